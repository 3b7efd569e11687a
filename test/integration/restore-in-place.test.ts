// Over the data directory of a stopped server: only what differs, the present state kept first.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ProgressEvent } from '../../src/core/index.ts';
import { restoreFiles } from '../../src/sources/index.ts';
import {
  type Keeping,
  planInPlace,
  type RestoreInPlaceOptions,
  restoreInPlace,
  restoreToMoment,
} from '../../src/sources/postgres/restore/index.ts';
import {
  findServerPrograms,
  initCluster,
  type ServerPrograms,
} from '../../src/sources/postgres/server/index.ts';
import { formatLsn, type Lsn } from '../../src/wal/index.ts';
import { temporaryFolder, unprivileged } from '../support/postgres.ts';
import { startStock } from '../support/restored-server.ts';
import { serversUnderTest } from '../support/servers.ts';
import {
  contentSql,
  type ProtectedServer,
  protectServer,
  type RecordedMoment,
  source,
} from './protected-server.ts';

describe.each(serversUnderTest(18))('restore in place, $name', ({ name, major, bin }) => {
  let live: ProtectedServer;
  let programs: ServerPrograms;
  let place: string;
  const moments: RecordedMoment[] = [];
  const filler = `select count(*)::int as count, sum(hashtext(filler))::text as sum from big`;
  let big: unknown;

  /** A folder that the account of the server may write to. */
  const ownFolder = (path: string): string => {
    const folder = join(place, path);
    mkdirSync(folder, { mode: 0o700 });
    if (unprivileged.uid !== undefined) chownSync(folder, unprivileged.uid, unprivileged.gid ?? 0);
    return folder;
  };

  beforeAll(async () => {
    if (!bin) return;
    programs = await findServerPrograms(major, { configuredFolder: bin });
    place = temporaryFolder('in-place');
    chmodSync(place, 0o755);
    const archive = ownFolder('archive');
    live = await protectServer({
      bin,
      major,
      settings: { archive_mode: 'on', archive_command: `cp %p ${archive}/%f` },
      initdb: ['--wal-segsize=1'],
    });
    const { server } = live;
    await server.query(`create tablespace fast location '${ownFolder('fast')}'`);
    await server.query(`create table ledger (id bigserial primary key, note text not null)`);
    await server.query('create table big (id int primary key, filler text) tablespace fast');
    await server.query(
      `insert into big select i, repeat(md5(i::text), 20) from generate_series(1, 20000) i`,
    );
    await server.query(
      `insert into ledger (note) select md5(i::text) from generate_series(1, 1000) i`,
    );
    big = (await server.query(filler)).rows;
    const finish = await live.stream();
    await live.backup();
    await server.query(`insert into ledger (note) values ('before the accident')`);
    moments.push(await live.moment());
    await server.query('delete from ledger where id % 2 = 0');
    await server.query('update big set filler = reverse(filler) where id % 100 = 0');
    moments.push(await live.moment());
    await server.query('create table later as select 1 as one');
    await finish();
  });
  afterAll(async () => {
    await live?.[Symbol.asyncDispose]();
    if (place) rmSync(place, { recursive: true, force: true });
  });

  const optionsFor = (moment: number, keep: Keeping): RestoreInPlaceOptions => ({
    repository: live.repository,
    source,
    target: { kind: 'lsn', lsn: (moments[moment] as RecordedMoment).lsn, inclusive: false },
    folder: live.server.dataFolder,
    keep,
    programs,
  });
  const expectMoment = async (
    query: (sql: string) => Promise<{ rows: unknown[] }>,
    moment: number,
  ) => {
    const { count, md5 } = moments[moment] as RecordedMoment;
    expect((await query(contentSql)).rows).toEqual([{ count, md5 }]);
  };

  test('refused while the server runs, and over another cluster', async (context) => {
    if (!bin) return context.skip(`no ${name}`);
    const options = optionsFor(0, { kind: 'snapshot' });
    await expect(planInPlace(options)).rejects.toMatchObject({
      code: 'target.in-use',
      message: expect.stringContaining(String(live.server.pid())),
    });
    await expect(planInPlace({ ...options, folder: join(place, 'nowhere') })).rejects.toMatchObject(
      {
        code: 'target.not-cluster',
      },
    );
    const other = ownFolder('other');
    await initCluster({ programs, dataFolder: other });
    await expect(planInPlace({ ...options, folder: other })).rejects.toMatchObject({
      code: 'postgres.other-cluster',
      hint: expect.stringContaining('--allow-other-cluster'),
    });
    await expect(
      planInPlace({ ...options, folder: other, allowOtherCluster: true }),
    ).resolves.toMatchObject({
      cluster: { folder: other },
    });
  });

  test('refused over a copy whose links lead to a running server', async (context) => {
    if (!bin) return context.skip(`no ${name}`);
    const copy = ownFolder('copy');
    const from = live.server.dataFolder;
    for (const part of ['PG_VERSION', 'global', 'pg_tblspc']) {
      execFileSync('cp', ['-a', join(from, part), copy]);
    }
    const options = { ...optionsFor(0, { kind: 'nothing' }), folder: copy };
    await expect(planInPlace(options)).rejects.toMatchObject({
      code: 'target.in-use',
      message: expect.stringContaining(join(place, 'fast')),
    });
    rmSync(join(copy, 'pg_tblspc'), { recursive: true });
    symlinkSync(join(from, 'pg_wal'), join(copy, 'pg_wal'));
    await expect(planInPlace(options)).rejects.toMatchObject({
      code: 'target.in-use',
      message: expect.stringContaining('pg_wal'),
    });
    rmSync(join(copy, 'pg_wal'));

    // What would stay unrestored behind a link is refused, too; settings and what a server clears may be links.
    mkdirSync(join(place, 'behind'));
    for (const part of ['pg_hba.conf', 'pg_stat_tmp', 'log-elsewhere']) {
      symlinkSync(join(place, 'behind'), join(copy, part));
    }
    await expect(planInPlace(options)).resolves.toMatchObject({ linked: [] });
    symlinkSync(join(place, 'behind'), join(copy, 'pg_xact'));
    await expect(planInPlace(options)).rejects.toMatchObject({
      code: 'target.unsafe',
      message: expect.stringContaining('pg_xact'),
    });
    await expect(
      planInPlace({ ...options, keep: { kind: 'folder', folder: join(place, 'kept') } }),
    ).resolves.toMatchObject({ cluster: { folder: copy } });
  });

  test('back to before the accident: little is written, the state before is a snapshot', async (context) => {
    if (!bin) return context.skip(`no ${name}`);
    const { server, repository } = live;
    await server.stop();
    // What a crash leaves, with the number of a process that lives and is no server.
    writeFileSync(
      join(server.dataFolder, 'postmaster.pid'),
      `${process.pid}\n${server.dataFolder}\n`,
    );
    writeFileSync(join(server.dataFolder, 'core.4711'), 'x');
    const restored = await restoreInPlace(optionsFor(0, { kind: 'snapshot' }));
    expect(restored.writtenBytes).toBeLessThan(restored.bytes / 4);
    expect(restored.sameFiles).toBeGreaterThan(restored.files / 2);
    expect(existsSync(join(server.dataFolder, 'core.4711'))).toBe(false);
    expect(existsSync(join(server.dataFolder, 'lifeboat-restore-in-place'))).toBe(false);

    // The state before can be had again, with the accident in it, and starts.
    const kept = await repository.findSnapshot(restored.kept as string);
    const again = join(place, 'again');
    await restoreFiles({ repository, snapshot: kept, target: again });
    const before = join(again, server.dataFolder);
    rmSync(join(before, 'postmaster.pid'));
    chmodSync(again, 0o755);
    {
      await using stock = await startStock(bin, before, { archive_mode: 'off' });
      expect((await stock.query('select one from later')).rows).toEqual([{ one: 1 }]);
      await expectMoment((sql) => stock.query(sql), 1);
    }

    await server.start();
    await expectMoment((sql) => server.query(sql), 0);
    expect((await server.query(filler)).rows).toEqual(big);
    const links = await server.query(
      `select pg_tablespace_location(oid) as at from pg_tablespace where spcname = 'fast'`,
    );
    expect(links.rows).toEqual([{ at: join(place, 'fast') }]);
    // Nothing is archived although the original's configuration says so.
    const archived = statSync(join(place, 'archive')).mtimeMs;
    await server.query('select pg_switch_wal()');
    await server.query('checkpoint');
    expect((await server.query('show archive_mode')).rows).toEqual([{ archive_mode: 'off' }]);
    expect(statSync(join(place, 'archive')).mtimeMs).toBe(archived);
  });

  test('the old data directory is kept by its name, the tablespace gets a folder', async (context) => {
    if (!bin) return context.skip(`no ${name}`);
    const { server } = live;
    await server.query(`insert into ledger (note) values ('after the restore')`);
    await server.stop();
    const old = join(place, 'old');
    const options = optionsFor(1, { kind: 'folder', folder: old });
    const folder = join(place, 'faster');
    const tablespaces = [{ tablespace: join(place, 'fast'), folder }];
    await expect(
      restoreInPlace({ ...options, tablespaces: [{ tablespace: '1', folder }] }),
    ).rejects.toMatchObject({
      code: 'usage.invalid',
      hint: expect.stringContaining(join(place, 'fast')),
    });
    // Ended when all is written, it goes on in the folder that it filled.
    const ending = new AbortController();
    const endAtReplay = (event: ProgressEvent) => {
      if (event.type === 'begin' && event.task === 'replay') ending.abort();
    };
    await expect(
      restoreInPlace({
        ...options,
        tablespaces,
        progress: endAtReplay,
        signal: ending.signal,
      }),
    ).rejects.toMatchObject({
      code: 'cancelled',
      hint: expect.stringContaining(`--at ${formatLsn(moments[1]?.lsn as Lsn)}, it goes on`),
    });
    // `10 minutes ago`, said again, is another moment.
    await expect(planInPlace({ ...options, tablespaces })).resolves.toMatchObject({
      begunFor: undefined,
    });
    const { target } = optionsFor(0, options.keep);
    await expect(planInPlace({ ...options, tablespaces, target })).resolves.toMatchObject({
      begunFor: `--at ${formatLsn(moments[1]?.lsn as Lsn)}`,
    });
    const restored = await restoreInPlace({ ...options, tablespaces });
    expect(restored.kept).toBe(old);
    expect(restored.sameFiles).toBeGreaterThan(restored.files / 2);
    const [oid] = readdirSync(join(server.dataFolder, 'pg_tblspc')) as [string];
    expect(lstatSync(join(server.dataFolder, 'pg_tblspc', oid)).isSymbolicLink()).toBe(true);
    {
      await using stock = await startStock(bin, old, { archive_mode: 'off' });
      const { rows } = await stock.query(
        `select count(*)::int as n from ledger where note = 'after the restore'`,
      );
      expect(rows).toEqual([{ n: 1 }]);
    }
    await server.start();
    await expectMoment((sql) => server.query(sql), 1);
    const { rows } = await server.query(
      `select pg_tablespace_location(oid) as at from pg_tablespace where spcname = 'fast'`,
    );
    expect(rows).toEqual([{ at: folder }]);
  });

  test('into a new folder, with the tablespace elsewhere', async (context) => {
    if (!bin) return context.skip(`no ${name}`);
    const folder = join(place, 'new');
    const elsewhere = join(place, 'elsewhere');
    const { repository } = live;
    const target = optionsFor(0, { kind: 'nothing' }).target;
    const [oid = ''] = readdirSync(join(live.server.dataFolder, 'pg_tblspc'));
    const options = { repository, source, target, folder, programs };
    await expect(
      restoreToMoment({
        ...options,
        tablespaces: [{ tablespace: oid, folder: join(folder, 'in') }],
      }),
    ).rejects.toMatchObject({ code: 'usage.invalid', message: expect.stringContaining('lies in') });
    const restored = await restoreToMoment({
      ...options,
      tablespaces: [{ tablespace: oid, folder: elsewhere }],
    });
    expect(restored.notes.join()).not.toContain('pg_tblspc');
    expect(readFileSync(join(folder, 'postgresql.auto.conf'), 'utf8')).not.toContain('in_place');
    await using stock = await startStock(bin, folder, {
      allow_in_place_tablespaces: 'off',
      archive_mode: 'off',
    });
    await expectMoment((sql) => stock.query(sql), 0);
    expect((await stock.query(filler)).rows).toEqual(big);
  });

  test('a copy made of hard links stays what it is', async (context) => {
    if (!bin) return context.skip(`no ${name}`);
    const { server } = live;
    await server.stop();
    const tablespace = join(place, 'faster');
    const copies = [`${server.dataFolder}.links`, `${tablespace}.links`];
    execFileSync('cp', ['-al', server.dataFolder, copies[0] as string]);
    execFileSync('cp', ['-al', tablespace, copies[1] as string]);
    const before = copies.map(contentBelow);
    const restored = await restoreInPlace(optionsFor(0, { kind: 'nothing' }));
    expect(restored.sameFiles).toBe(0);
    await server.start();
    await expectMoment((sql) => server.query(sql), 0);
    expect((await server.query(filler)).rows).toEqual(big);
    // Files that were right already are the server's own now, too.
    await server.query(`update big set filler = 'rewritten'`);
    await server.query('update ledger set note = note');
    await server.query('checkpoint');
    await server.stop();
    expect(copies.map(contentBelow)).toEqual(before);
    const temporary = readdirSync(server.dataFolder, { recursive: true, encoding: 'utf8' });
    expect(temporary.filter((path) => path.endsWith('.restored'))).toEqual([]);
  });
});

/** Every file below a folder, with its owner, mode and a hash of what it holds. */
function contentBelow(folder: string): Record<string, string> {
  const entries = readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort();
  return Object.fromEntries(
    entries.flatMap((path) => {
      const facts = lstatSync(join(folder, path));
      // Links of tablespaces are followed here.
      if (!facts.isFile() || path.startsWith('pg_tblspc/')) return [];
      const hash = createHash('sha256').update(readFileSync(join(folder, path)));
      return [[path, `${facts.uid} ${facts.mode} ${hash.digest('hex')}`]];
    }),
  );
}
