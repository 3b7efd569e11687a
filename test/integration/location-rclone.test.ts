import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it, onTestFinished } from 'vitest';
import { Secret } from '../../src/core/index.ts';
import {
  type BlobId,
  initRepository,
  openLocation,
  openRepository,
} from '../../src/repository/index.ts';
import { testLocation } from '../../src/repository/location/location-contract.ts';
import { parseRcloneLocation } from '../../src/repository/location/rclone/rclone-location.ts';
import { temporaryFolder } from '../support/postgres.ts';
import { findProgram } from '../support/programs.ts';
import { need } from '../support/skip.ts';

const program = findProgram('rclone');

it('has an rclone to test against', (context) => {
  need(context, program, 'no rclone on PATH');
});

interface Remote extends AsyncDisposable {
  readonly folder: string;
  readonly environment: NodeJS.ProcessEnv;
}

/** A remote `here:` that is a folder of this machine. */
function remote(more: NodeJS.ProcessEnv = {}): Remote {
  const outer = temporaryFolder('rclone');
  const folder = join(outer, 'served');
  mkdirSync(folder);
  const config = join(outer, 'rclone.conf');
  writeFileSync(config, `[here]\ntype = alias\nremote = ${folder}\n`);
  return {
    folder,
    environment: { ...process.env, RCLONE_CONFIG: config, ...more },
    async [Symbol.asyncDispose]() {
      rmSync(outer, { recursive: true, force: true });
    },
  };
}

if (program !== undefined) {
  for (const appendOnly of [false, true]) {
    describe(`one rclone${appendOnly ? ' --append-only' : ''}`, () => {
      const place = remote(appendOnly ? { LIFEBOAT_RCLONE_ARGS: '--append-only' } : {});
      const root = parseRcloneLocation('rclone:here:', place.environment);
      let repositories = 0;
      afterAll(async () => {
        await root.close?.();
        await place[Symbol.asyncDispose]();
      });
      const factory = async () => ({
        location: root.nested(`repository-${++repositories}`),
        appendOnly,
        async [Symbol.asyncDispose]() {},
      });
      testLocation('rclone', factory, { tidiesUpLater: true });
    });
  }
}

const bytes = new Uint8Array(randomBytes(1000));
const name = createHash('sha256').update(bytes).digest('hex');
const impatient = { attempts: 1 };

describe('an rclone location', () => {
  it('holds a repository that stock restic opens over its own rclone, and the other way round', async (context) => {
    need(context, program, 'no rclone on PATH');
    const restic = need(
      context,
      findProgram('restic-0.19') ?? findProgram('restic'),
      'no restic on PATH',
    );
    await using place = remote();
    const environment = { ...place.environment, RESTIC_PASSWORD: 'x' };
    const stock = (...words: string[]) =>
      execFileSync(restic, ['--no-cache', '-r', 'rclone:here:deep/repository', ...words], {
        env: environment,
        stdio: ['ignore', 'pipe', 'pipe'],
      }).toString();
    const location = openLocation('rclone:here:deep/repository', { environment });
    {
      await using _ = await initRepository({ location, password: new Secret('x') });
    }
    await location.close?.();
    stock('backup', import.meta.filename);
    expect(stock('check', '--read-data')).toContain('no errors were found');
    await using repository = await openRepository({ location, password: new Secret('x') });
    const [snapshot] = await repository.snapshots();
    expect(snapshot?.paths).toEqual([import.meta.filename]);
    const node = await repository.findNode(snapshot?.tree as BlobId, import.meta.filename);
    const content: Uint8Array[] = [];
    for await (const part of repository.readFileContent(node?.content ?? [])) content.push(part);
    expect(Buffer.concat(content)).toEqual(readFileSync(import.meta.filename));
    await location.close?.();
  });

  it('starts rclone again when it has died', async (context) => {
    need(context, program, 'no rclone on PATH');
    await using place = remote();
    // It notes its number, so that the test can end it.
    const noting = join(place.folder, '..', 'noting-rclone');
    const pidFile = join(place.folder, '..', 'pid');
    writeFileSync(noting, `#!/bin/sh\necho $$ > ${pidFile}\nexec ${program} "$@"\n`);
    chmodSync(noting, 0o755);
    const environment = { ...place.environment, LIFEBOAT_RCLONE_PROGRAM: noting };
    const location = openLocation('rclone:here:repository', { environment });
    onTestFinished(() => location.close?.());
    await location.create();
    await location.write('data', name, bytes);
    const first = Number(readFileSync(pidFile, 'utf8'));
    process.kill(first, 'SIGKILL');
    expect(await location.read('data', name)).toEqual(bytes);
    expect(Number(readFileSync(pidFile, 'utf8'))).not.toBe(first);
    // Closed, it is gone; asked again, it comes back.
    const second = Number(readFileSync(pidFile, 'utf8'));
    await location.close?.();
    expect(() => process.kill(second, 0)).toThrow('ESRCH');
    expect(await location.list('data')).toHaveLength(1);
  });

  it('does not keep its process alive, and rclone ends with it, whatever ends it', async (context) => {
    need(context, program, 'no rclone on PATH');
    await using place = remote();
    const script = (end: string) => `
      import { openLocation } from ${JSON.stringify(join(import.meta.dirname, '../../src/repository/index.ts'))};
      const location = openLocation('rclone:here:repository');
      await location.create();
      ${end}`;
    const run = (end: string) =>
      execFileSync(process.execPath, ['--input-type=module', '-e', script(end)], {
        env: {
          ...place.environment,
          LIFEBOAT_RCLONE_ARGS: `--log-file ${join(place.folder, '..', 'log')}`,
        },
        stdio: 'ignore',
      });
    run('');
    expect(() => run(`process.kill(process.pid, 'SIGKILL')`)).toThrow();
    // The folder is in the command line of an rclone that still runs.
    const listing = () => execFileSync('ps', ['-eo', 'args']).toString();
    await expect
      .poll(() => listing().includes(`--log-file ${join(place.folder, '..')}`), { timeout: 10_000 })
      .toBe(false);
  });

  it('says so, with what to do, when there is no rclone', async () => {
    const environment = { ...process.env, LIFEBOAT_RCLONE_PROGRAM: 'no-such-rclone' };
    const location = openLocation('rclone:here:x', { environment });
    await expect(location.list('data')).rejects.toMatchObject({
      code: 'location.refused',
      message: 'there is no program "no-such-rclone" to reach rclone:here:x',
      hint: expect.stringContaining('apt-get install rclone'),
    });
  });

  it("hands on rclone's own words, and does not try again what stays wrong", async (context) => {
    need(context, program, 'no rclone on PATH');
    await using place = remote();
    const { environment } = place;
    await expect(
      openLocation('rclone:elsewhere:x', { environment }).list('data'),
    ).rejects.toMatchObject({
      code: 'location.refused',
      message: expect.stringContaining("didn't find section in config file"),
    });
    const wrong = { ...environment, LIFEBOAT_RCLONE_ARGS: '--no-such-flag' };
    await expect(
      openLocation('rclone:here:x', { environment: wrong }).list('data'),
    ).rejects.toMatchObject({ message: expect.stringContaining('unknown flag: --no-such-flag') });
  });

  it('is unreachable when what is started does not speak the protocol', async () => {
    const environment = { ...process.env, LIFEBOAT_RCLONE_PROGRAM: 'true' };
    const options = { environment, retry: impatient };
    await expect(openLocation('rclone:here:x', options).list('data')).rejects.toMatchObject({
      code: 'location.unreachable',
      message: expect.stringContaining('rclone ended (exit code 0)'),
    });
  });

  it.each(['rclone:', 'rclone:nothing'])('refuses %s', (text) => {
    expect(() => openLocation(text)).toThrow('cannot use this repository location');
  });

  it('shows no password of a remote that is written out', () => {
    const location = openLocation('rclone::sftp,host=h,pass=hunter2:folder');
    expect(location.describe()).toBe('rclone::sftp,...:folder');
  });
});
