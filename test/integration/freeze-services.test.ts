import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { recoverySurroundings } from '../../src/cli/recovery-surroundings.ts';
import { loadConfiguration } from '../../src/config/index.ts';
import { createPlatforms } from '../../src/platforms/index.ts';
import { freezeStore } from '../../src/recovery/freeze/freeze-store.ts';
import { freeze, thaw } from '../../src/recovery/index.ts';
import { commandsOf, fileService, runs, setRunning, takeCalls } from '../support/freeze-scene.ts';
import { type Installation, installation } from '../support/installation.ts';

let place: Installation;
let run: ReturnType<typeof commandsOf>;
let at: string;

const source = (folder: string) =>
  `  uploads: { kind: files, paths: [${folder}/uploads] }\n  staged: { kind: files, paths: [${folder}/staged], environment: staging }\n`;

beforeEach(async () => {
  place = await installation();
  const { folder } = place;
  for (const each of ['uploads', 'staged', 'www']) mkdirSync(join(folder, each));
  at = join(folder, 'www/index.html');
  writeFileSync(at, 'the shop', { mode: 0o640 });
  writeFileSync(join(folder, 'page.html'), 'back soon');
  const page = join(folder, 'page.running');
  place.configure({
    sourceOptions: `, environment: development }\n${source(folder).trimEnd().replace(/ }$/, '')}`,
    options: `services:
${fileService(folder, 'cache')}${fileService(folder, 'api', ', writes: [uploads], after: [cache]')}${fileService(folder, 'cron', ', writes: [uploads]')}${fileService(folder, 'worker', ', after: [api]')}${fileService(folder, 'tests', ', writes: [staged]')}recovery:
  maintenance: { on: [touch, ${page}], off: [rm, ${page}], isOn: [test, -e, ${page}] }
  maintenanceFile: { page: page.html, at: www/index.html }
`,
  });
  setRunning(folder, 'cache', 'api', 'worker', 'tests');
  run = commandsOf(place);
});

afterEach(async () => {
  await place[Symbol.asyncDispose]();
});

const running = () =>
  ['cache', 'api', 'cron', 'worker', 'tests', 'page'].filter((name) => runs(place.folder, name));

it('stops who writes and who needs them, and brings back who ran, in order, the page last', async () => {
  const { folder } = place;
  const before = statSync(at);
  const frozen = await run('freeze', '--yes', 'test');
  expect(frozen.exitCode, frozen.stdout).toBe(0);
  expect(running()).toEqual(['cache', 'tests', 'page']);
  expect(takeCalls(folder)).toEqual(['stop worker', 'stop api']);
  expect(readFileSync(at, 'utf8')).toBe('back soon');
  expect(statSync(at).mode & 0o777).toBe(0o640);

  const again = await run('freeze', '--yes', 'test');
  expect(again.exitCode, again.stdout).toBe(0);
  expect(again.records.at(-1)).toMatchObject({ changed: 0 });
  expect(takeCalls(folder)).toEqual([]);

  const thawed = await run('thaw', '--yes', 'test');
  expect(thawed.exitCode, thawed.stdout).toBe(0);
  expect(running()).toEqual(['cache', 'api', 'worker', 'tests']);
  expect(takeCalls(folder)).toEqual(['start api', 'start worker']);
  const after = statSync(at);
  expect(readFileSync(at, 'utf8')).toBe('the shop');
  expect([after.ino, after.mode, after.uid, after.gid]).toEqual([
    before.ino,
    before.mode,
    before.uid,
    before.gid,
  ]);
  expect(readdirSync(join(folder, 'www'))).toEqual(['index.html']);
});

it('adds to a freeze that is there, and thaws what no other source needs', async () => {
  const { folder } = place;
  expect((await run('freeze', 'uploads', '--yes', 'test')).exitCode).toBe(0);
  expect((await run('freeze', 'staged', '--yes', 'test')).exitCode).toBe(0);
  expect(running()).toEqual(['cache', 'page']);
  const part = await run('thaw', 'uploads', '--yes', 'test');
  expect(part.exitCode, part.stdout).toBe(0);
  expect(part.records.at(-1)).toMatchObject({ stillFrozen: ['staged'] });
  expect(running()).toEqual(['cache', 'api', 'worker', 'page']);
  const status = await run('status');
  const frozen = status.records.filter((each) => each.frozen !== undefined);
  expect(frozen.map((each) => each.source)).toEqual(['staged']);
  expect((await run('thaw', '--yes', 'test')).exitCode).toBe(0);
  expect(running()).toEqual(['cache', 'api', 'worker', 'tests']);
  expect(takeCalls(folder).filter((call) => call.includes('cron'))).toEqual([]);
});

it('thaws one item alone, and leaves the rest to a later thaw', async () => {
  expect((await run('freeze', '--yes', 'test')).exitCode).toBe(0);
  const unknown = await run('thaw', '--yes', 'test', '--only', 'service nobody');
  expect(unknown.records.at(-1)).toMatchObject({ code: 'usage.invalid' });
  const one = await run('thaw', '--yes', 'test', '--only', 'service api');
  expect(one.exitCode, one.stdout).toBe(0);
  expect(one.records.at(-1)).toMatchObject({ phase: 'frozen', thawed: ['service api'] });
  expect(running()).toEqual(['cache', 'api', 'tests', 'page']);
  expect((await run('thaw', '--yes', 'test')).exitCode).toBe(0);
  expect(running()).toEqual(['cache', 'api', 'worker', 'tests']);
});

it('goes on past a service that does not start, keeps the page until it does, and can give it up', async () => {
  const { folder } = place;
  expect((await run('freeze', '--yes', 'test')).exitCode).toBe(0);
  // A folder in the place of the file that says that it runs.
  const mark = join(folder, 'api.running');
  mkdirSync(join(mark, 'x'), { recursive: true });
  rmSync(mark, { recursive: true });
  chmodSync(folder, 0o755);
  const text = readFileSync(join(folder, 'lifeboat.yaml'), 'utf8');
  writeFileSync(join(folder, 'lifeboat.yaml'), text.replace(`touch ${mark}`, 'exit 7'));
  const thawed = await run('thaw', '--yes', 'test');
  expect(thawed.exitCode, thawed.stdout).toBe(3);
  expect(thawed.records.at(-1)).toMatchObject({ code: 'thaw.incomplete' });
  expect(running()).toEqual(['cache', 'worker', 'tests', 'page']);
  expect(readFileSync(at, 'utf8')).toBe('back soon');
  const left = await run('thaw', '--yes', 'test', '--leave', 'service api');
  expect(left.exitCode, left.stdout).toBe(0);
  expect(running()).toEqual(['cache', 'worker', 'tests']);
  expect(readFileSync(at, 'utf8')).toBe('the shop');
});

it('says that it is not complete where a service cannot be stopped, or nobody knows who writes', async () => {
  const { folder } = place;
  const text = readFileSync(join(folder, 'lifeboat.yaml'), 'utf8');
  const stubborn = text
    .replace(`rm -f ${join(folder, 'api.running')}`, 'exit 7')
    .replace(', writes: [staged]', '');
  writeFileSync(join(folder, 'lifeboat.yaml'), stubborn);
  const frozen = await run('freeze', 'uploads', 'staged', '--yes', 'test');
  expect(frozen.exitCode, frozen.stdout).toBe(3);
  const record = frozen.records.find(({ type }) => type === 'freeze') as {
    gaps: { what: string }[];
  };
  expect(record.gaps.map(({ what }) => what)).toEqual([
    'nothing says what writes to staged: nothing was stopped for it',
    expect.stringContaining('the service api still runs: '),
  ]);
  expect(runs(folder, 'worker')).toBe(false);
  expect((await run('thaw', '--yes', 'test')).exitCode).toBe(0);
  expect(running()).toEqual(['cache', 'api', 'worker', 'tests']);
});

it('keeps the one page that somebody put there meanwhile, and a page that was shown before', async () => {
  const { folder } = place;
  setRunning(folder, 'page');
  expect((await run('freeze', '--yes', 'test')).exitCode).toBe(0);
  rmSync(at);
  writeFileSync(at, 'a new shop');
  const thawed = await run('thaw', '--yes', 'test');
  expect(thawed.exitCode, thawed.stdout).toBe(0);
  expect(thawed.stdout).toContain('was replaced by somebody since: it stays');
  expect(readFileSync(at, 'utf8')).toBe('a new shop');
  expect(runs(folder, 'page')).toBe(true);
  const kept = readdirSync(join(folder, 'www')).find((name) => name !== 'index.html') as string;
  expect(readFileSync(join(folder, 'www', kept), 'utf8')).toBe('the shop');
});

it('enters the incident that is open, and thaws nothing at another place', async () => {
  const { folder } = place;
  const opened = await run('incident', 'open', 'uploads are gone', '--severity', 'P1', '--offline');
  expect(opened.exitCode, opened.stdout).toBe(0);
  expect((await run('freeze', '--yes', 'test')).exitCode).toBe(0);
  const [name] = readdirSync(join(place.stateFolder, 'freezes')).filter((each) =>
    each.endsWith('.json'),
  );
  const path = join(place.stateFolder, 'freezes', name as string);
  const record = JSON.parse(readFileSync(path, 'utf8'));
  for (const item of record.items) {
    if (item.name === 'service api')
      item.place = { text: 'commands on web-2', fingerprint: 'another' };
  }
  writeFileSync(path, JSON.stringify(record));
  const thawed = await run('thaw', '--yes', 'test');
  expect(thawed.exitCode, thawed.stdout).toBe(3);
  const { failures } = thawed.records.find(({ type }) => type === 'thaw') as {
    failures: { item: string; problem: string }[];
  };
  expect(failures[0]).toMatchObject({
    item: 'service api',
    problem: expect.stringContaining('planned was commands on web-2'),
  });
  expect(running()).toEqual(['cache', 'worker', 'tests', 'page']);
  const shown = await run('incident', 'show', '--offline');
  const events = shown.records
    .filter(({ type }) => type === 'incident-entry')
    .map(({ event }) => event);
  expect(events).toEqual(
    expect.arrayContaining([
      'freeze.begun',
      'freeze.maintenance-on',
      'freeze.service-stopped',
      'freeze.complete',
      'thaw.item',
      'thaw.failed',
      'thaw.incomplete',
    ]),
  );
  expect(takeCalls(folder)).toEqual(['stop worker', 'stop api', 'start worker']);
});

it.each(['status', 'freeze'])(
  'tells a repository that was away that all is thawed, with the next command (%s)',
  async (command) => {
    const { repositoryFolder, folder } = place;
    expect((await run('freeze', 'uploads', '--yes', 'test')).exitCode).toBe(0);
    renameSync(repositoryFolder, `${repositoryFolder}.away`);
    const thawed = await run('thaw', '--yes', 'test');
    expect(thawed.records.at(-1)).toMatchObject({ type: 'thaw', phase: 'thawed' });
    expect(thawed.records.at(-1)).toMatchObject({ notCopied: [{ repository: 'main' }] });
    renameSync(`${repositoryFolder}.away`, repositoryFolder);
    const configured = readFileSync(join(folder, 'lifeboat.yaml'), 'utf8');
    const elsewhere = async () => {
      const state = `state: ${join(folder, 'other-host')}`;
      writeFileSync(join(folder, 'lifeboat.yaml'), configured.replace(/^state: .*$/m, state));
      const { records } = await run('thaw', '--dry-run');
      writeFileSync(join(folder, 'lifeboat.yaml'), configured);
      return records.at(-1);
    };
    expect(await elsewhere()).toMatchObject({ type: 'thaw-plan', from: 'repositories' });
    await run(command, ...(command === 'freeze' ? ['staged', '--yes', 'test'] : []));
    if (command === 'freeze') await run('thaw', '--yes', 'test');
    expect(await elsewhere()).toMatchObject({ code: 'thaw.nothing' });
    expect(readdirSync(join(folder, 'state/freezes/unsent'))).toEqual([]);
  },
);

it('stops services alone beside a freeze, with a record of their own', async () => {
  const { folder } = place;
  expect((await run('freeze', '--yes', 'test')).exitCode).toBe(0);
  const configuration = loadConfiguration(join(folder, 'lifeboat.yaml'), {});
  const context = { signal: new AbortController().signal, environment: process.env };
  await using surroundings = recoverySurroundings(context as never, configuration);
  const world = {
    surroundings,
    platforms: createPlatforms({ environment: process.env }),
    tell: async () => {},
    store: freezeStore(join(folder, 'own')),
  };
  const stopped = await freeze({ ...world, sources: [], services: ['cache'] });
  expect(stopped.gaps).toEqual([]);
  expect(running()).toEqual(['tests', 'page']);
  expect((await thaw(world)).thawed).toEqual(['service cache']);
  expect(running()).toEqual(['cache', 'tests', 'page']);
  expect((await run('thaw', '--yes', 'test')).exitCode).toBe(0);
  expect(running()).toEqual(['cache', 'api', 'worker', 'tests']);
});
