// Targets that name something: a transaction, a restore point, the end of a snapshot.
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RecoveryTarget } from '../../src/sources/postgres/backup-info.ts';
import { openScratch } from '../../src/sources/postgres/restore/index.ts';
import {
  findServerPrograms,
  type ServerPrograms,
} from '../../src/sources/postgres/server/index.ts';
import { serversUnderTest } from '../support/servers.ts';
import { type ProtectedServer, protectServer, source } from './protected-server.ts';

describe.each(serversUnderTest(13))('targets by name, $name', ({ name, major, bin }) => {
  let live: ProtectedServer;
  let programs: ServerPrograms;
  const xids: Record<string, number> = {};
  let beforeSecondMark = new Date();
  const snapshots: string[] = [];

  beforeAll(async () => {
    if (!bin) return;
    programs = await findServerPrograms(major, { configuredFolder: bin });
    live = await protectServer({
      bin,
      major,
      settings: { max_prepared_transactions: '5' },
      initdb: ['--wal-segsize=1'],
    });
    const { server } = live;
    await server.query('create table ledger (id bigserial primary key, note text not null)');
    const finish = await live.stream();
    snapshots.push((await live.backup()).stopLsn);
    const client = new pg.Client({ connectionString: server.url() });
    await client.connect();
    const insert = (note: string) =>
      client.query('insert into ledger (note) values ($1) returning txid_current()::text', [note]);
    const xidOf = (result: pg.QueryResult) => Number(result.rows[0].txid_current);
    const xidNow = async () =>
      Number((await client.query('select txid_current()::text')).rows[0].txid_current);

    xids.first = xidOf(await insert('first'));
    await client.query(`select pg_create_restore_point('before the release')`);
    xids.second = xidOf(await insert('second'));
    await client.query('begin');
    xids.aborted = await xidNow();
    await insert('never');
    await client.query('rollback');

    await client.query('begin');
    xids.top = await xidNow();
    await insert('top');
    await client.query('savepoint a');
    await insert('part');
    const { rows } = await client.query(`select xmin::text from ledger where note = 'part'`);
    xids.part = Number(rows[0].xmin);
    await client.query('savepoint b');
    await insert('undone');
    const undone = await client.query(`select xmin::text from ledger where note = 'undone'`);
    xids.undone = Number(undone.rows[0].xmin);
    await client.query('rollback to b');
    await client.query('commit');

    snapshots.push((await live.backup()).stopLsn);
    await client.query('begin');
    xids.prepared = await xidNow();
    await insert('prepared');
    await client.query(`prepare transaction 'p'`);
    await insert('between');
    await client.query(`commit prepared 'p'`);
    await client.query(`select pg_create_restore_point('twice')`);
    await insert('after the first mark');
    beforeSecondMark = (await client.query('select clock_timestamp() as now')).rows[0].now;
    await new Promise((resolve) => setTimeout(resolve, 5));
    await client.query(`select pg_create_restore_point('twice')`);
    await insert('last');
    await client.query('begin');
    xids.open = await xidNow();
    await insert('not ended');
    // A commit takes along to the disk what the open transaction wrote.
    await server.query('create table other (id int)');
    await finish();
    await client.query('rollback');
    await client.end();
  });
  afterAll(async () => {
    await live?.[Symbol.asyncDispose]();
  });

  async function notesAt(target: RecoveryTarget, base?: string): Promise<string[]> {
    const { repository } = live;
    await using scratch = await openScratch({
      repository,
      source,
      target,
      programs,
      ...(base === undefined ? {} : { base }),
    });
    const { host, port, user } = scratch.connection('postgres');
    const client = new pg.Client({ host, port, user, database: 'postgres' });
    await client.connect();
    const { rows } = await client.query<{ note: string }>('select note from ledger order by id');
    await client.end();
    return rows.map(({ note }) => note);
  }

  test('a transaction: just before it and with it', async (context) => {
    if (!bin) return context.skip(`no ${name}`);
    const { second = 0, top = 0, part = 0, prepared = 0 } = xids;
    expect(await notesAt({ kind: 'xid', xid: second, inclusive: false })).toEqual(['first']);
    expect(await notesAt({ kind: 'xid', xid: second, inclusive: true })).toEqual([
      'first',
      'second',
    ]);
    const whole = ['first', 'second', 'top', 'part'];
    expect(await notesAt({ kind: 'xid', xid: top, inclusive: true })).toEqual(whole);
    // A part of a transaction is there from the whole's commit on.
    expect(await notesAt({ kind: 'xid', xid: part, inclusive: true })).toEqual(whole);
    expect(await notesAt({ kind: 'xid', xid: part, inclusive: false })).toEqual(whole.slice(0, 2));
    // Prepared first, committed behind another one.
    const committed = { kind: 'xid', xid: prepared, inclusive: true } as const;
    expect(await notesAt(committed)).toEqual([...whole, 'prepared', 'between']);
  });

  test('a transaction that is in no state is refused', async (context) => {
    if (!bin) return context.skip(`no ${name}`);
    const at = (xid = 0) => notesAt({ kind: 'xid', xid, inclusive: true });
    await expect(at(xids.aborted)).rejects.toMatchObject({
      code: 'target.unknown',
      message: expect.stringMatching(/was rolled back at 20/),
      hint: expect.stringMatching(/0\/[0-9A-F]+/),
    });
    await expect(at(xids.undone)).rejects.toMatchObject({
      code: 'target.unknown',
      message: expect.stringContaining('rolled back'),
    });
    await expect(at(xids.open)).rejects.toMatchObject({
      code: 'target.unknown',
      message: expect.stringContaining('had not ended'),
    });
    await expect(at(3_000_000)).rejects.toMatchObject({
      code: 'target.unknown',
      message: expect.stringContaining('no transaction 3000000'),
    });
  });

  test('a restore point; of several with one name only when it is said which', async (context) => {
    if (!bin) return context.skip(`no ${name}`);
    expect(await notesAt({ kind: 'name', name: 'before the release' })).toEqual(['first']);
    await expect(notesAt({ kind: 'name', name: 'twice' })).rejects.toMatchObject({
      code: 'target.unknown',
      message: expect.stringMatching(/^2 restore points.*20\d\d-.*20\d\d-/),
      hint: expect.stringContaining('--at'),
    });
    const first = { kind: 'name', name: 'twice', until: beforeSecondMark } as const;
    expect((await notesAt(first)).at(-1)).toBe('between');
    const second = { kind: 'name', name: 'twice', until: new Date() } as const;
    expect((await notesAt(second)).at(-1)).toBe('after the first mark');
    await expect(notesAt({ kind: 'name', name: 'Twice' })).rejects.toMatchObject({
      code: 'target.unknown',
      hint: expect.stringContaining('before the release'),
    });
  });

  test('the end of a snapshot: of the newest, or of a named one', async (context) => {
    if (!bin) return context.skip(`no ${name}`);
    const whole = ['first', 'second', 'top', 'part'];
    expect(await notesAt({ kind: 'snapshot-end' })).toEqual(whole);
    const oldest = (await live.repository.snapshots()).toSorted(
      (a, b) => a.time.getTime() - b.time.getTime(),
    )[0];
    expect(await notesAt({ kind: 'snapshot-end' }, oldest?.id)).toEqual([]);
    // Nothing of the log is kept behind this one.
    await live.backup();
    expect((await notesAt({ kind: 'snapshot-end' })).slice(-2)).toEqual([
      'after the first mark',
      'last',
    ]);
  });
});
