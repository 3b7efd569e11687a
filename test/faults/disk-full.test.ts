import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, it, type TestContext } from 'vitest';
import { untilRecord } from '../support/command-line.ts';
import { ended, type Installation, installation } from '../support/installation.ts';
import { startPostgres, type TestServer, temporaryFolder } from '../support/postgres.ts';
import { embeddedPostgresBin } from '../support/programs.ts';
import { startStock } from '../support/restored-server.ts';
import { untilFlushed } from '../support/until-flushed.ts';

// Goal: a full disk under spool, repository or target is told as such, loses nothing that was acknowledged, and once
// there is room the same command goes on. Method: a small file system, filled up with ballast, below each in turn.

const bin = embeddedPostgresBin();
const mib = 2 ** 20;
const mounted: string[] = [];
let server: TestServer;

beforeEach(async () => {
  server = await startPostgres({ bin, major: 18, initdb: ['--wal-segsize=1'] });
  await server.query('create table ledger (id serial primary key, note text)');
});
afterEach(async () => {
  await server?.[Symbol.asyncDispose]();
  for (const folder of mounted.splice(0)) {
    execFileSync('umount', ['-l', folder]);
    rmSync(dirname(folder), { recursive: true, force: true });
  }
});

interface SmallDisk {
  fill(leaveBytes: number): void;
  makeRoom(): void;
}

/** Mounts a file system of that size on a new folder. */
function smallDisk(context: TestContext, folder: string, sizeMib: number): SmallDisk {
  if (process.getuid?.() !== 0) context.skip('only root can mount a small file system');
  mkdirSync(folder, { recursive: true });
  const options = `size=${sizeMib}m,mode=755`;
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'lifeboat-test', folder], {
      stdio: 'ignore',
    });
  } catch {
    context.skip('this machine lets nobody mount');
  }
  mounted.push(folder);
  const ballast = join(folder, 'ballast');
  return {
    fill(leaveBytes) {
      const free = Number(
        execFileSync('df', ['--output=avail', '-B1', folder]).toString().split('\n')[1],
      );
      writeFileSync(ballast, Buffer.alloc(Math.max(0, free - leaveBytes)));
    },
    makeRoom: () => rmSync(ballast),
  };
}

async function insert(rows: number): Promise<void> {
  await server.query(
    `insert into ledger (note) select gen_random_uuid()::text from generate_series(1, ${rows})`,
  );
}

async function rowsRestored(place: Installation): Promise<number> {
  const folder = join(place.folder, 'restored');
  const result = await place.run('restore', '--to', folder);
  expect(result.exitCode, result.stdout).toBe(0);
  await using restored = await startStock(bin, folder);
  return (await restored.query('select count(*)::int as rows from ledger')).rows[0].rows;
}

/** What the server was told to be durable, and where its log ends. */
async function positions(): Promise<{ told: string | null; isAll: boolean }> {
  const { rows } = await server.query(
    `select flush_lsn::text as told, flush_lsn >= pg_current_wal_flush_lsn() as all from pg_stat_replication`,
  );
  return { told: rows[0]?.told ?? null, isAll: rows[0]?.all ?? false };
}

it('a backup into a full repository: told, nothing published, and goes through once there is room', async (context) => {
  const folder = join(temporaryFolder('small-disk'), 'disk');
  const disk = smallDisk(context, folder, 40);
  await using place = await installation({
    connection: server.url(),
    programs: bin,
    location: join(folder, 'repository'),
  });
  disk.fill(mib / 4);
  const full = await place.run('backup');
  expect(full.exitCode, full.stdout).toBe(1);
  expect(full.records.at(-1)).toMatchObject({
    type: 'error',
    code: 'disk.full',
    message: expect.stringContaining('no space left'),
    hint: expect.stringMatching(/[Ff]ree some space/),
  });
  expect((await place.run('points')).records).toEqual([]);
  expect((await server.query('select slot_name from pg_replication_slots')).rows).toEqual([]);
  disk.makeRoom();
  const again = await place.run('backup');
  expect(again.exitCode, again.stdout).toBe(0);
  expect((await place.run('check', '--read-data')).exitCode).toBe(0);
});

for (const which of ['repository', 'spool'] as const) {
  it(`a full disk under the ${which} while serve streams: told, nothing acknowledged is lost, goes on`, async (context) => {
    const small = join(temporaryFolder('small-disk'), 'disk');
    const disk = smallDisk(context, small, 60);
    await using place = await installation({
      connection: server.url(),
      programs: bin,
      ...(which === 'repository'
        ? { location: join(small, 'repository') }
        : { state: join(small, 'state') }),
    });
    const service = place.spawn('serve');
    await untilRecord(service, ({ type }) => type === 'backup');
    await insert(100);
    await untilFlushed(server);
    disk.fill(mib / 2);
    const told = untilRecord(
      service,
      ({ type, problem }) => type === 'stream' && /no space left/.test(String(problem)),
    );
    await insert(30_000);
    await told;
    expect((await positions()).isAll).toBe(false);

    // The host dies with its disk full: what the server was told is in the repository.
    const promised = (await positions()).told;
    expect(await ended(service, 'SIGKILL')).toBe(null);
    disk.makeRoom();
    const points = await place.run('points');
    const window = points.records.find(({ type }) => type === 'window');
    const { rows } = await server.query(
      `select '${window?.toLsn}'::pg_lsn >= '${promised ?? '0/0'}'::pg_lsn as held`,
    );
    expect(rows).toEqual([{ held: true }]);

    // With room again the same command goes on, without a gap.
    const again = place.spawn('serve');
    await untilRecord(again, ({ type, phase }) => type === 'stream' && phase === 'streaming');
    await insert(10);
    await untilFlushed(server);
    expect(await ended(again, 'SIGTERM')).toBe(0);
    expect(await rowsRestored(place)).toBe(30_110);
    expect((await place.run('check', '--read-data')).exitCode).toBe(0);
  });
}

it('a restore into a full target: told, not startable, and works elsewhere', async (context) => {
  await using place = await installation({ connection: server.url(), programs: bin });
  await insert(100);
  expect((await place.run('backup')).exitCode).toBe(0);
  const small = join(temporaryFolder('small-disk'), 'disk');
  chmodSync(dirname(small), 0o755);
  smallDisk(context, small, 12);
  const target = join(small, 'restored');
  const full = await place.run('restore', '--to', target);
  expect(full.exitCode, full.stdout).toBe(1);
  expect(full.records.at(-1)).toMatchObject({
    code: 'disk.full',
    hint: expect.stringContaining('cannot be started'),
  });
  expect(existsSync(join(target, 'global/pg_control'))).toBe(false);
  expect(await rowsRestored(place)).toBe(100);
});
