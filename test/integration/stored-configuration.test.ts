// The configuration as it is kept in repositories: when, what of it, and what becomes of one that somebody else stored.
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Secret } from '../../src/core/index.ts';
import { LocalLocation, openRepository, type Repository } from '../../src/repository/index.ts';
import { type InProcessResult, lifeboatInProcess } from '../support/in-process.ts';
import {
  ended,
  type Installation,
  installation,
  installationPassword,
} from '../support/installation.ts';
import { temporaryFolder } from '../support/postgres.ts';

const host = hostname();
let place: Installation;
let opening: Promise<Repository> | undefined;
let elsewhere: string;
const at = (...names: string[]) => join(elsewhere, ...names);

beforeAll(async () => {
  place = await installation();
});
afterAll(async () => {
  await (await opening)?.[Symbol.asyncDispose]();
  await place[Symbol.asyncDispose]();
});
beforeEach(() => {
  elsewhere = temporaryFolder('elsewhere');
});
afterEach(() => {
  // The next one begins with a repository and a state that hold nothing of it.
  const records = join(place.repositoryFolder, 'lifeboat');
  for (const folder of ['snapshots', 'keys']) {
    rmSync(join(records, folder), { recursive: true, force: true });
    if (existsSync(records)) mkdirSync(join(records, folder));
  }
  rmSync(place.stateFolder, { recursive: true, force: true });
  mkdirSync(place.stateFolder);
  rmSync(elsewhere, { recursive: true, force: true });
});

/** The repository, as another host opens it; one with a state folder has a key of its own. */
async function stored<Result>(
  work: (repository: Repository) => Promise<Result>,
  stateFolder?: string,
): Promise<Result> {
  const where = {
    location: new LocalLocation(place.repositoryFolder),
    password: installationPassword,
  };
  opening ??= openRepository(where);
  if (stateFolder === undefined) return await work(await opening);
  await using repository = await openRepository({ ...where, stateFolder });
  return await work(repository);
}

const backup = (): Promise<InProcessResult> =>
  lifeboatInProcess(
    ['backup', 'letters', '--config', join(place.folder, 'lifeboat.yaml'), '--json'],
    { HOME: elsewhere, LIFEBOAT_CACHE_FOLDER: 'off' },
  );
const configurations = () => stored(({ records }) => records.list({ kind: 'configuration' }));
const small = (change = {}) => ({
  name: 'shop',
  repositories: { main: { location: place.repositoryFolder, password: { prompt: true } } },
  sources: {},
  ...change,
});

function bodyOf(configuration: unknown, change = {}) {
  return {
    format: 1,
    host: 'db-1',
    actor: 'root',
    program: 'lifeboat 0.1.0',
    file: '/etc/lifeboat/lifeboat.yaml',
    repository: { name: 'main', id: 'x' },
    leftOut: [],
    configuration,
    ...change,
  };
}

const append = (body: unknown, stateFolder?: string) =>
  stored(({ records }) => records.append({ kind: 'configuration', source: '', body }), stateFolder);

const fetching = (...more: string[]): Promise<InProcessResult> =>
  lifeboatInProcess(
    ['init', '--from-repository', place.repositoryFolder, ...more],
    {
      HOME: elsewhere,
      LIFEBOAT_CACHE_FOLDER: 'off',
      LIFEBOAT_PASSWORD: installationPassword.reveal(),
      PATH: process.env.PATH ?? '',
    },
    elsewhere,
  );
const last = ({ records }: InProcessResult) => records.at(-1) as Record<string, unknown>;

describe('a configuration is kept', () => {
  beforeEach(() => {
    mkdirSync(at('data'));
    place.configure({
      options: `  letters: { kind: files, paths: [${at('data')}] }\n`,
    });
  });

  it('after a backup when it changed, signed by the key of the host', async () => {
    expect((await backup()).exitCode).toBe(0);
    const [first, ...none] = await configurations();
    expect(none).toEqual([]);
    expect(first?.body).toMatchObject({
      host,
      file: join(place.folder, 'lifeboat.yaml'),
      repository: { name: 'main' },
      leftOut: [],
      configuration: { name: 'test', sources: { letters: { paths: [at('data')] } } },
    });
    // Another state folder that knows nothing asks the repository, and finds it there.
    rmSync(join(place.stateFolder, 'stored-configuration.json'));
    expect((await backup()).exitCode).toBe(0);
    expect(await configurations()).toHaveLength(1);
    place.configure({
      options: `  letters: { kind: files, paths: [${at('data')}], exclude: [tmp] }\n`,
    });
    expect((await backup()).exitCode).toBe(0);
    const [, second] = await configurations();
    expect(second?.writer).toBe(first?.writer);
    expect(second?.sequence).toBeGreaterThan(first?.sequence as number);
  }, 120_000);

  it('where repositories answer; one that does not holds nothing up', async () => {
    const yaml = readFileSync(join(place.folder, 'lifeboat.yaml'), 'utf8');
    writeFileSync(
      join(place.folder, 'lifeboat.yaml'),
      yaml.replace(
        'sources:',
        `  gone: { location: ${at('gone')}, password: { env: NOT_SET }, copyFrom: main }\nsources:`,
      ),
    );
    const result = await backup();
    expect(result.exitCode, result.stdout).toBe(0);
    expect(result.stdout).toContain('not kept in repository gone');
    expect(await configurations()).toHaveLength(1);
  }, 120_000);
});

it('is kept by serve, too, after its backups', async () => {
  mkdirSync(at('data'));
  place.configure({ options: `  posts: { kind: files, paths: [${at('data')}] }\n` });
  const file = join(place.folder, 'lifeboat.yaml');
  const lines = readFileSync(file, 'utf8').split('\n');
  writeFileSync(file, lines.filter((each) => !each.startsWith('  database:')).join('\n'));
  const serving = place.spawn('serve');
  await expect.poll(configurations, { timeout: 30_000, interval: 500 }).toHaveLength(1);
  expect(await ended(serving, 'SIGTERM')).toBe(0);
}, 120_000);

describe('a stored configuration', () => {
  it('is shown with everything that it would run, and let in by nothing but the name of this host', async () => {
    const marker = at('was-run');
    const touch = ['touch', marker];
    await append(
      bodyOf(
        small({
          scratch: at('no-such'),
          repositories: {
            main: { location: place.repositoryFolder, password: { file: at('no-such') } },
            other: { location: '/nowhere', password: { command: touch } },
          },
          services: {
            api: {
              platform: 'shell',
              stop: ['\u001b[2Kstop', 'a\u202eb'],
              start: touch,
              isRunning: touch,
            },
          },
        }),
      ),
    );
    const shown = await fetching();
    expect(shown.exitCode).toBe(2);
    expect(shown.stdout).toContain('4 commands that it would run');
    expect(shown.stdout).toContain("services.api.stop: '\\x1b[2Kstop' 'a\\u{202e}b'");
    expect(shown.stdout).toContain(`repositories.other.password.command: touch ${marker}`);
    expect(shown.stdout).toContain(`scratch: ${at('no-such')}  (not on this host)`);
    expect(shown.stdout).toContain('repositories.main.password: the variable LIFEBOAT_PASSWORD');
    expect(shown.stderr).toContain('has signed nothing else in this repository');
    for (const sign of ['\u001b', '\u202e'])
      expect(shown.stdout + shown.stderr).not.toContain(sign);
    expect((await fetching('--yes', 'db-1')).exitCode).toBe(2);
    expect((await fetching('--yes')).exitCode).toBe(2);
    expect(readdirSync(elsewhere)).toEqual([]);
    const adopted = await fetching('--yes', host, '--json');
    expect(adopted.exitCode, adopted.stdout).toBe(0);
    expect(readdirSync(elsewhere)).toEqual(['lifeboat.yaml']);
    expect(existsSync(marker)).toBe(false);
    expect(last(await fetching('--yes', host, '--json'))).toMatchObject({ code: 'config.exists' });
  });

  it('is led to by recover on a host without one', async () => {
    await append(bodyOf(small({ state: at('state') })));
    const environment = {
      HOME: elsewhere,
      LIFEBOAT_CACHE_FOLDER: 'off',
      LIFEBOAT_PASSWORD: installationPassword.reveal(),
    };
    mkdirSync(at('state'));
    const args = ['recover', '--resume', 'INC-1', '-r', place.repositoryFolder, '--yes', host];
    const lead = await lifeboatInProcess([...args, '--json'], environment, elsewhere);
    expect(lead.records.map(({ type }) => type)).toContain('configuration-adopted');
    expect(last(lead)).toMatchObject({ message: 'there is no run or incident "INC-1"' });
  });

  it('is the one that its writer stored last, whatever clocks say; of several hosts one is named', async () => {
    const state = at('state-of-db-1');
    for (const name of ['old', 'new']) await append(bodyOf(small({ name })), state);
    await append(bodyOf(small({ name: 'other' }), { host: 'db-2' }), at('state-of-db-2'));
    const several = await fetching('--json');
    expect(last(several)).toMatchObject({ code: 'usage.invalid' });
    expect(last(several).hint).toMatch(/db-2, db-1|db-1, db-2/);
    const none = await fetching('--host', 'db-3', '--json');
    expect(last(none)).toMatchObject({ code: 'usage.invalid' });
    // Somebody removed what the key had signed first.
    const [first] = await configurations();
    rmSync(join(place.repositoryFolder, 'lifeboat', 'snapshots', first?.id as string));
    const one = await fetching('--host', 'db-1', '--json');
    expect(one.records[0]).toMatchObject({
      warnings: expect.arrayContaining([
        '1 of the 2 records of its key are not in this repository',
      ]),
    });
    expect(one.records[0]).toMatchObject({
      type: 'stored-configuration',
      sequence: 2,
      older: 0,
      configuration: { name: 'new' },
    });
  });

  it.each([
    ['an option that nobody knows', { backdoor: ['sh'] }, 'there is no option "backdoor"'],
    [
      'a command that is none',
      { recovery: { after: [{ name: 'x', command: 'rm -rf /' }] } },
      'recovery.after.0.command',
    ],
    ['nothing', null, 'expected a group of options'],
    [
      'a circle',
      { services: { a: { platform: 'systemd', unit: 'a', after: ['a'] } } },
      'no circle',
    ],
  ])('that holds %s is refused', async (_, configuration, problem) => {
    await append(bodyOf(configuration && small(configuration)));
    const result = await fetching('--yes', host, '--json');
    expect(last(result)).toMatchObject({ code: 'record.invalid' });
    expect(last(result).message).toContain(problem);
    expect(readdirSync(elsewhere)).toEqual([]);
  });

  it('that is gigantic, or wrongly signed, is refused by name, and others are offered', async () => {
    const good = await append(bodyOf(small()));
    const huge = await append(bodyOf(small({ name: 'x'.repeat(2 * 1024 * 1024) })));
    const forged = await append(bodyOf(small({ name: 'forged' })));
    const folder = join(place.repositoryFolder, 'lifeboat', 'snapshots');
    const path = join(folder, forged.id);
    const bytes = readFileSync(path);
    bytes[bytes.length - 20]! ^= 1;
    rmSync(path);
    writeFileSync(path, bytes);
    const swollen = 'f'.repeat(64);
    writeFileSync(join(folder, swollen), '');
    truncateSync(join(folder, swollen), 70 * 1024 * 1024);
    const shown = await fetching();
    for (const [id, problem] of [
      [huge.id, 'far too large'],
      [forged.id, 'not the ones of its name'],
      [swollen, 'far too large'],
    ]) {
      expect(shown.stderr).toMatch(new RegExp(`record ${id} is not used: .*${problem}`));
    }
    expect(shown.stdout).toContain(good.id);
  });

  it('is not used before secrets that were not stored are put back', async () => {
    const stop = ['curl', '-u', 'ada:hunter2', 'http://localhost/stop'];
    writeFileSync(
      join(place.folder, 'lifeboat.yaml'),
      JSON.stringify({
        ...small({ state: place.stateFolder }),
        repositories: {
          main: {
            location: place.repositoryFolder,
            password: { file: join(place.folder, 'password') },
          },
        },
        sources: { letters: { kind: 'files', paths: [elsewhere] } },
        services: { api: { platform: 'shell', stop, start: ['true'], isRunning: ['true'] } },
      }),
    );
    expect((await backup()).exitCode).toBe(0);
    expect(JSON.stringify(await configurations())).not.toContain('hunter2');
    const adopted = await fetching('--yes', host);
    expect(adopted.exitCode, adopted.stderr).toBe(0);
    expect(adopted.stdout).toMatch(/Not stored, because it was a secret\n {2}services.api.stop\n/);
    expect(adopted.stdout).toMatch(
      /To be completed before anything works\n {2}services.api.stop\n/,
    );
    const environment = { HOME: elsewhere, LIFEBOAT_CACHE_FOLDER: 'off' };
    const doctor = await lifeboatInProcess(['services', '--json'], environment, elsewhere);
    expect(last(doctor)).toMatchObject({ code: 'config.invalid' });
    expect(last(doctor).message).toContain('services.api.stop');
  });
});

it('a password that is wrong is told before anything', async () => {
  const result = await lifeboatInProcess(
    ['init', '--from-repository', place.repositoryFolder, '--json'],
    { HOME: elsewhere, LIFEBOAT_PASSWORD: new Secret('no').reveal() },
    elsewhere,
  );
  expect(last(result)).toMatchObject({ code: 'repository.wrong-password', exitCode: 12 });
});
