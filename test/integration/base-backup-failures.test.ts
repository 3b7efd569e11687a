import { execFile } from 'node:child_process';
import {
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { sleep } from '../../src/core/index.ts';
import { backupPostgres, parseConnectionUrl } from '../../src/sources/index.ts';
import { ended, installation } from '../support/installation.ts';
import {
  type LocalRepository,
  localRepository,
  testPassword,
} from '../support/local-repository.ts';
import { startPausingProxy } from '../support/pausing-proxy.ts';
import {
  startPostgres,
  type TestServer,
  temporaryFolder,
  unprivileged,
} from '../support/postgres.ts';
import { embeddedPostgresBin, findProgram } from '../support/programs.ts';
import { resticRestore, startStock } from '../support/restored-server.ts';
import { serversUnderTest } from '../support/servers.ts';
import { need } from '../support/skip.ts';

const run = promisify(execFile);

const filler =
  'create table filler as select n, repeat(md5(n::text), 6) as v from generate_series(1, 200000) n; checkpoint';

/** What the server sends when a backup has begun in each mode: there the test breaks in. */
const begun = {
  never: 'START WAL LOCATION',
  auto: { 13: 'pg_start_backup\0', 15: 'pg_backup_start\0' },
};

function markerOf(local: 'never' | 'auto', major: number): string {
  return local === 'never' ? begun.never : begun.auto[major >= 15 ? 15 : 13];
}

const modes = [
  { local: 'never', name: 'over the connection' },
  { local: 'auto', name: 'from the files' },
] as const;

function through(server: { url(database?: string): string; port: number }, port: number) {
  return parseConnectionUrl(server.url().replace(`:${server.port}/`, `:${port}/`));
}

async function expectNothing(work: Promise<unknown>, stored: LocalRepository, expected: object) {
  const error = await work.then(
    () => expect.fail('the backup was made'),
    (caught: unknown) => caught,
  );
  expect(error).toMatchObject(expected);
  expect(await stored.repository.snapshots()).toEqual([]);
}

async function sessions(server: TestServer): Promise<number> {
  const { rows } = await server.query(
    "select (select count(*) from pg_stat_activity where application_name like 'lifeboat%')::int + (select count(*) from pg_replication_slots)::int as n",
  );
  return rows[0].n;
}

describe.each(modes)('a backup $name', ({ local }) => {
  it('of a server that dies meanwhile publishes nothing; the server comes back, and the next backup is whole', async () => {
    await using server = await startPostgres({ bin: embeddedPostgresBin(), major: 18 });
    await server.query(filler);
    await using stored = await localRepository();
    const { repository } = stored;
    using proxy = await startPausingProxy(server.port, markerOf(local, 18), () => server.kill());
    const broken = backupPostgres({
      settings: through(server, proxy.port),
      source: 'shop',
      repository,
      local,
      countBudgetMs: 0,
    });
    await expectNothing(broken, stored, { code: 'postgres.connection-lost', retryable: true });
    expect(proxy.hasPaused()).toBe(true);
    // Left in backup mode it would ask for WAL that is not there.
    expect(existsSync(join(server.dataFolder, 'backup_label'))).toBe(false);
    await server.start();
    const settings = parseConnectionUrl(server.url());
    const again = await backupPostgres({ settings, source: 'shop', repository, local });
    expect(again.warnings).toEqual([]);
    expect(again.info.mode).toBe(local === 'never' ? 'streamed' : 'local');
  });

  it('that is killed leaves no backup mode and no slot behind, and what it stored is used', async () => {
    await using server = await startPostgres({ bin: embeddedPostgresBin(), major: 18 });
    await server.query(filler);
    await using place = await installation({ connection: server.url() });
    const file = join(place.folder, 'lifeboat.yaml');
    const configure = (rate: string) => {
      place.configure({});
      const text = readFileSync(file, 'utf8');
      const options = `, local: ${local}${rate}`;
      writeFileSync(file, text.replace(/(connection: "[^"]+")/, `$1${options}`));
    };
    configure(', backupRate: 8 MiB');
    const child = place.spawn('backup');
    await new Promise<void>((resolve) => {
      let seen = '';
      child.stdout?.on('data', (data: Buffer) => {
        seen += data.toString();
        if (/"type":"task-progress","task":"base-backup"/.test(seen)) resolve();
      });
      child.once('exit', () => resolve());
    });
    expect(child.exitCode).toBe(null);
    expect(await sessions(server)).toBeGreaterThan(0);
    await ended(child, 'SIGKILL');
    while ((await sessions(server)) > 0) await sleep(20);
    expect(existsSync(join(server.dataFolder, 'backup_label'))).toBe(false);
    configure('');
    const again = await place.run('backup');
    expect(again.exitCode, again.stderr).toBe(0);
    const listed = await place.run('snapshots');
    expect(listed.stdout.match(/"source:database"/g)).toHaveLength(1);
  });
});

const whole = serversUnderTest(15).filter(({ hasTools }) => hasTools);

describe.each(whole)('of a standby on $name', ({ major, bin }) => {
  it.for(modes)(
    'a backup $name is whole, and none when it is promoted meanwhile',
    async ({ local }, context) => {
      const programs = need(context, bin, `no PostgreSQL ${major}`);
      const restic = need(
        context,
        findProgram('restic-0.19') ?? findProgram('restic'),
        'no restic',
      );
      await using primary = await startPostgres({ bin: programs, major });
      await primary.query(filler);
      const outer = temporaryFolder('standby');
      const folder = join(outer, 'data');
      try {
        mkdirSync(folder, { mode: 0o700 });
        for (const each of [outer, folder]) {
          if (unprivileged.uid !== undefined)
            chownSync(each, unprivileged.uid, unprivileged.gid ?? 0);
        }
        const from = ['-h', '127.0.0.1', '-p', String(primary.port), '-U', 'postgres'];
        const args = [...from, '-D', folder, '-R', '-c', 'fast'];
        await run(join(programs, 'pg_basebackup'), args, unprivileged);
        await using standby = await startStock(programs, folder);
        await primary.query('create table late as select 1 as id');
        while (
          (await standby.query("select to_regclass('late') is null as missing")).rows[0].missing
        ) {
          await sleep(20);
        }
        await using stored = await localRepository();
        const { repository } = stored;
        const promote = async () => {
          await standby.query('select pg_promote(true)');
        };
        using proxy = await startPausingProxy(standby.port, markerOf(local, major), promote);
        const options = { source: 'shop', repository, local, countBudgetMs: 0 };
        const settings = parseConnectionUrl(standby.url());
        const backup = await backupPostgres({ ...options, settings });
        expect(backup.info.mode).toBe(local === 'never' ? 'streamed' : 'local');
        using restored = await resticRestore(restic, stored.folder, testPassword, backup.snapshot);
        const dataFolder = join(restored.folder, 'data');
        await run(join(programs, 'pg_verifybackup'), ['-n', dataFolder]);
        expect(readFileSync(join(dataFolder, 'backup_label'), 'utf8')).toContain(
          'BACKUP FROM: standby',
        );
        expect(existsSync(join(dataFolder, 'standby.signal'))).toBe(false);
        await using copy = await startStock(programs, dataFolder);
        expect((await copy.query('select count(*)::int as n from filler')).rows).toEqual([
          { n: 200_000 },
        ]);

        await using other = await localRepository();
        const broken = backupPostgres({
          ...options,
          repository: other.repository,
          settings: through(standby, proxy.port),
        });
        await expectNothing(broken, other, { code: 'backup.incomplete', retryable: true });
      } finally {
        rmSync(outer, { recursive: true, force: true });
      }
    },
  );
});

describe("a folder is read only when it is proven to be the server's", () => {
  it("not another server's, nor a copy; and an account that may not begin a backup streams", async () => {
    await using server = await startPostgres({ bin: embeddedPostgresBin(), major: 18 });
    await using stored = await localRepository();
    const outer = temporaryFolder('copy');
    const folder = join(outer, 'data');
    try {
      cpSync(server.dataFolder, folder, { recursive: true });
      const backup = (local: string, user = 'postgres') =>
        backupPostgres({
          settings: parseConnectionUrl(server.url().replace('postgres@', `${user}@`)),
          source: 'shop',
          repository: stored.repository,
          local,
        });
      const refusal = {
        code: 'backup.incomplete',
        message: expect.stringMatching(/not where the server works/),
      };
      await expectNothing(backup(folder), stored, refusal);
      await expectNothing(backup(join(outer, 'none')), stored, refusal);
      await server.query('create role plain login replication');
      await expectNothing(backup(server.dataFolder, 'plain'), stored, {
        code: 'backup.incomplete',
        message: expect.stringMatching(/may not run .*pg_backup_start/),
      });
      expect((await backup('auto', 'plain')).info.mode).toBe('streamed');
      await server.query(
        `grant pg_read_all_settings to plain;
         grant execute on function pg_backup_start(text, boolean), pg_backup_stop(boolean) to plain`,
      );
      expect((await backup('auto', 'plain')).info.mode).toBe('local');
      expect((await backup(server.dataFolder)).info.mode).toBe('local');
    } finally {
      rmSync(outer, { recursive: true, force: true });
    }
  });
});
