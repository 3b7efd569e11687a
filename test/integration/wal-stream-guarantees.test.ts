import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { StreamState } from '../../src/sources/source.ts';
import { parseLsn } from '../../src/wal/index.ts';
import { serversUnderTest } from '../support/servers.ts';
import { need } from '../support/skip.ts';
import { failingLog, type Scene, slot, startScene } from './wal-stream-scene.ts';

const megabyte = 2 ** 20;

describe.each(serversUnderTest(13))('the guarantees of a stream from $name', (tested) => {
  let scene: Scene;
  beforeEach(async (context) => {
    const bin = need(context, tested.bin, `no ${tested.name}`);
    scene = await startScene(bin, tested.major, {
      max_slot_wal_keep_size: '96MB',
      wal_keep_size: '0',
      max_wal_size: '32MB',
      min_wal_size: '32MB',
    });
  });
  afterEach(() => scene?.[Symbol.asyncDispose]());

  const set = async (name: string, value: string) => {
    await scene.server.query(`alter system set ${name} = ${value}`);
    await scene.server.query('select pg_reload_conf()');
  };
  const flushedOnServer = async () => {
    const { rows } = await scene.server.query('select flush_lsn from pg_stat_replication');
    return parseLsn(rows[0]?.flush_lsn ?? '0/0');
  };
  /** With whether its stream has everything. */
  const slotOnServer = async () => {
    const { rows } = await scene.server.query(
      `select active_pid as pid, restart_lsn as restart, r.write_lsn >= pg_current_wal_flush_lsn() as "isThere"
         from pg_replication_slots s left join pg_stat_replication r on r.pid = s.active_pid`,
    );
    return rows as { pid: number; restart: string; isThere: boolean }[];
  };
  const has =
    (code: string, level?: 'early' | 'late') =>
    ({ alarms = [] }: StreamState) =>
      alarms.some((each) => each.code === code && (level ?? each.level) === each.level);
  const limits = { pieceIntervalMs: 200, slotLookIntervalMs: 100, slotBusyMaxMs: 600_000 };

  it('warns of a slot that is being lost, early and late, also while it cannot stream', async () => {
    let isDown = false;
    const stream = scene.stream({ log: failingLog(scene.openLog(), () => isDown), limits });
    await scene.insert(1000);
    await stream.untilFlushed();
    await stream.until(({ slot: seen }) => seen?.walStatus === 'reserved');
    expect(stream.state()?.slot).toMatchObject({ name: slot, limitBytes: 96 * megabyte });
    expect(stream.state()).not.toHaveProperty('alarms');
    isDown = true;
    const other = scene.stream({ spoolFolder: `${scene.spoolFolder}-other`, limits });
    await other.until(({ phase }) => phase === 'waiting');
    const seen: (string | undefined)[] = [];
    while (!has('postgres.slot-endangered', 'late')(other.state() as StreamState)) {
      await scene.insert(20_000);
      await other.until(({ slot: looked }) => (looked?.heldBytes ?? 0) > 0);
      seen.push(other.state()?.alarms?.[0]?.level);
    }
    await stream.until(has('postgres.slot-endangered', 'late'));
    expect(seen).toContain('early');
    await other.stop();
    isDown = false;
    await stream.untilFlushed();
    await stream.until(({ alarms }) => alarms === undefined);
    await stream.stop();
  });

  it('lets the slot follow the spool where the policy says so, and never a commit that waits', async () => {
    let isDown = false;
    const log = failingLog(scene.openLog(), () => isDown);
    const stream = scene.stream({ log, limits, slotMayRunAhead: true });
    await scene.insert(1000);
    await stream.untilFlushed();
    isDown = true;
    while (!has('postgres.slot-ahead')(stream.state() as StreamState)) await scene.insert(20_000);
    const { flushed = 0n, flushedUntil, writtenUntil } = stream.state() as StreamState;
    // The server may go on, and whoever looks hears what is really in the repository.
    while ((await flushedOnServer()) <= flushed) await scene.insert(1000);
    expect(stream.state()?.flushed).toBe(flushed);
    expect(writtenUntil?.getTime()).toBeGreaterThan(flushedUntil?.getTime() ?? 0);

    // Nor is the slot set back by a new connection, to WAL that may be gone. Nothing moves it on meanwhile.
    await set('max_slot_wal_keep_size', '-1');
    await stream.until(({ slot: looked }) => looked?.limitBytes === undefined);
    const [former] = await slotOnServer();
    await scene.server.query(`select pg_terminate_backend(${former?.pid})`);
    await expect
      .poll(async () => (await slotOnServer())[0]?.isThere, { timeout: 60_000 })
      .toBe(true);
    const [again] = await slotOnServer();
    expect(again?.pid).not.toBe(former?.pid);
    expect(parseLsn(again?.restart ?? '0/0')).toBeGreaterThanOrEqual(
      parseLsn(former?.restart ?? ''),
    );
    await set('max_slot_wal_keep_size', `'96MB'`);

    await set('synchronous_standby_names', `'${slot}'`);
    await stream.until(({ slot: looked }) => looked?.syncState === 'sync');
    let isCommitted = false;
    const commit = scene.server
      .query(`set synchronous_commit = on; insert into filler (body) values ('waits')`)
      .then(() => {
        isCommitted = true;
      });
    await stream.until(({ slot: looked }) => looked?.commitsWaiting === 1);
    // Many looks later it still waits.
    for (let look = 0; look < 5; look += 1) {
      const before = stream.state()?.slot;
      await stream.until(({ slot: looked }) => looked !== before);
    }
    expect(isCommitted).toBe(false);
    isDown = false;
    await commit;
    await stream.until(({ alarms }) => alarms === undefined);
    await stream.stop();
  });

  it('as a synchronous standby it uploads at once, and says when the server does not wait', async () => {
    const never = { ...limits, pieceIntervalMs: 3_600_000 };
    const stream = scene.stream({ limits: never, synchronous: 'on' });
    await stream.until(has('postgres.not-synchronous'));
    await set('synchronous_standby_names', `'${slot}'`);
    await stream.until(({ alarms }) => alarms === undefined);
    for (let row = 0; row < 20; row += 1) await scene.insert(1);
    await stream.until(({ flushedMs }) => flushedMs !== undefined);
    await set('synchronous_commit', `'remote_apply'`);
    await stream.until(has('postgres.remote-apply'));
    await set('synchronous_commit', `'local'`);
    await stream.until(has('postgres.not-synchronous'));
    await stream.stop();
    const { writtenMs, flushedMs, writtenUntil, flushedUntil } = stream.state() as StreamState;
    expect(writtenMs).toBeLessThanOrEqual(flushedMs ?? 0);
    expect(writtenUntil).toBeInstanceOf(Date);
    expect(flushedUntil).toBeInstanceOf(Date);
  });
});
