import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { untilRecord } from '../support/command-line.ts';
import { ended, type Installation, installation } from '../support/installation.ts';
import { startPostgres, type TestServer } from '../support/postgres.ts';
import { startStock } from '../support/restored-server.ts';
import { serversUnderTest } from '../support/servers.ts';
import { need } from '../support/skip.ts';
import { untilFlushed } from '../support/until-flushed.ts';

// Goal: whatever happened to the slot while nobody streamed, `serve` says so and everything after can be restored
// again. Method: the slot is dropped or invalidated between two runs of the real `serve`.

describe.each(serversUnderTest('npm'))('on $name', ({ major, bin: programsFolder }) => {
  let bin: string;
  let server: TestServer;
  let place: Installation;

  beforeEach(async (context) => {
    bin = need(context, programsFolder, `no PostgreSQL ${major}`);
    server = await startPostgres({
      bin,
      major,
      settings: { max_slot_wal_keep_size: '1MB', min_wal_size: '2MB', max_wal_size: '4MB' },
      initdb: ['--wal-segsize=1'],
    });
    place = await installation({ connection: server.url(), programs: bin });
    await server.query('create table ledger (note text)');
    const service = place.spawn('serve');
    await untilRecord(service, ({ type }) => type === 'backup');
    await server.query(`insert into ledger values ('before')`);
    await untilFlushed(server);
    expect(await ended(service, 'SIGTERM')).toBe(0);
  });
  afterEach(async () => {
    await place?.[Symbol.asyncDispose]();
    await server?.[Symbol.asyncDispose]();
  });

  /** Enough for the server to remove the WAL that nobody fetched. */
  async function churn(): Promise<void> {
    for (let round = 0; round < 6; round++) {
      await server.query(
        `select pg_logical_emit_message(false, 'churn', repeat(md5(random()::text), 60000))`,
      );
      await server.query('select pg_switch_wal()');
      await server.query('checkpoint');
    }
  }

  async function notes(...target: string[]): Promise<string[]> {
    const folder = join(place.folder, 'restored');
    const result = await place.run('restore', '--to', folder, ...target);
    expect(result.exitCode, result.stdout).toBe(0);
    try {
      await using restored = await startStock(bin, folder);
      const { rows } = await restored.query('select note from ledger');
      return rows.map(({ note }) => note as string);
    } finally {
      rmSync(folder, { recursive: true });
    }
  }

  async function slotStatus(): Promise<unknown> {
    const { rows } = await server.query('select wal_status from pg_replication_slots');
    return rows.map(({ wal_status }) => wal_status);
  }

  it.each([
    ['invalidated', async () => {}],
    [
      'dropped, and its WAL is gone',
      async () => {
        await server.query(`select pg_drop_replication_slot('lifeboat_database')`);
      },
    ],
  ])(
    'a slot that was %s: an alarm, a new base backup, and all after it restores',
    async (how, lose) => {
      await lose();
      await churn();
      if (how === 'invalidated') {
        expect(await slotStatus()).toEqual(['lost']);
        const doctor = await place.run('doctor');
        expect(doctor.exitCode).toBe(1);
        expect(doctor.records).toContainEqual(
          expect.objectContaining({
            check: 'slot',
            outcome: 'problem',
            remedy: expect.stringContaining('lifeboat serve'),
          }),
        );
      }
      await server.query(`insert into ledger values ('in the gap')`);
      const service = place.spawn('serve');
      const alarms: Record<string, unknown>[] = [];
      await untilRecord(service, (record) => {
        if (record.type === 'alarm') alarms.push(record);
        return record.type === 'backup';
      });
      expect(alarms[0]).toMatchObject({
        code: 'postgres.slot-lost',
        message: expect.stringContaining('lifeboat_database'),
        hint: expect.stringContaining('max_slot_wal_keep_size'),
        action: expect.stringContaining('new base backup'),
      });
      await server.query(`insert into ledger values ('after')`);
      await untilFlushed(server);
      expect(await ended(service, 'SIGTERM')).toBe(0);
      expect(await slotStatus()).not.toContain('lost');
      expect(await notes()).toEqual(['before', 'in the gap', 'after']);

      // Both sides of the gap can be restored; the gap is named.
      const points = await place.run('points');
      const windows = points.records.filter(({ type }) => type === 'window');
      expect(windows).toHaveLength(2);
      expect(points.records.filter(({ type }) => type === 'gap')).toHaveLength(1);
      expect(await notes('--at', String(windows[1]?.toLsn))).toEqual(['before']);
    },
  );

  it('a slot that was dropped while its WAL is still there is made again, without a gap', async () => {
    await server.query(`select pg_drop_replication_slot('lifeboat_database')`);
    await server.query(`insert into ledger values ('meanwhile')`);
    const service = place.spawn('serve');
    await untilRecord(service, ({ type, phase }) => type === 'stream' && phase === 'streaming');
    await server.query(`insert into ledger values ('after')`);
    await untilFlushed(server);
    expect(await ended(service, 'SIGTERM')).toBe(0);
    expect(await notes()).toEqual(['before', 'meanwhile', 'after']);
    const points = await place.run('points');
    expect(points.records.filter(({ type }) => type === 'window')).toHaveLength(1);
  });
});
