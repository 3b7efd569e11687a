// A recovery that was in use for a while is taken back: the cluster is on its former timeline again. Stream, backups, `points` and the next
// recovery go on with it; what the recovered one took is found by its name only.
import { chmodSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { untilRecord } from '../support/command-line.ts';
import { ended } from '../support/installation.ts';
import { temporaryFolder } from '../support/postgres.ts';
import { type KillScene, killScene } from '../support/recovery-kills/scene.ts';
import { startStock } from '../support/restored-server.ts';
import { serversUnderTest } from '../support/servers.ts';
import { need } from '../support/skip.ts';
import { untilFlushed } from '../support/until-flushed.ts';

const [subject] = serversUnderTest(15);
let scene: KillScene;

beforeAll(async () => {
  if (!subject?.bin) return;
  scene = await killScene(subject, 'point-in-time');
  const file = join(scene.place.folder, 'lifeboat.yaml');
  writeFileSync(file, readFileSync(file, 'utf8').replace('keepFormer: 1s', 'keepFormer: 1h'));
});
afterAll(async () => await scene?.[Symbol.asyncDispose]());

const typed = ['database', 'shop', 'freeze', 'stop-database', 'start-database'];
const yes = [...typed, 'after-1', 'after-2'].flatMap((each) => ['--yes', each]);

/** Deletes all orders and recovers to just before that. The id of the run, which stands before it lets go of what was replaced. */
async function recover(): Promise<string> {
  const { place, server } = scene;
  const { rows } = await server.query(
    'with gone as (delete from orders returning 1) select pg_current_xact_id()::text as xid from gone limit 1',
    'shop',
  );
  const { xid } = rows[0];
  await untilFlushed(server);
  const method = ['--method', 'point-in-time', '--before-xid', xid];
  const made = await place.run('plan', 'database', ...method, '--keep');
  const plan = made.records.find(({ type }) => type === 'plan-kept')?.id as string;
  const run = await place.run('recover', plan, ...yes);
  expect(run.exitCode, run.stdout + run.stderr).toBe(0);
  return run.records.find(({ type }) => type === 'run-opened')?.run as string;
}

const timelineNow = async () =>
  (await scene.server.query('select timeline_id from pg_control_checkpoint()')).rows[0].timeline_id;
const order = (id: number) =>
  scene.server.query(`insert into orders values (${id}, 'later')`, 'shop');

it('goes on with the former timeline', async (context) => {
  need(context, subject?.bin, 'PostgreSQL 15 is not installed');
  const { place, server } = scene;
  const serve = place.spawn('serve');
  await untilRecord(serve, ({ phase }) => phase === 'streaming');
  const run = await recover();
  expect(await timelineNow()).toBe(2);
  await order(2000);
  await untilFlushed(server);

  const aborted = await place.run('recover', '--abort', run, '--reason', 'enough', ...yes);
  expect(aborted.exitCode, aborted.stdout + aborted.stderr).toBe(0);
  expect(aborted.stdout).toContain('timeline 2 is given up');
  expect(aborted.stdout).not.toContain('old-primary');
  expect(await timelineNow()).toBe(1);
  await order(3000);
  // By the same `serve` that streamed the recovered one.
  await untilFlushed(server);
  // A backup from before the fork leads along what goes on.
  const [oldest] = (await place.run('points', 'database')).records
    .filter(({ type }) => type === 'snapshot')
    .toSorted((a, b) => String(a.time).localeCompare(String(b.time)));
  expect(await ordersOf(['--snapshot', String(oldest?.id)])).toEqual([3000]);
  const backup = await place.run('backup', 'database');
  expect(backup.exitCode, backup.stderr).toBe(0);
  const { snapshot } = backup.records.findLast(({ type }) => type === 'backup') ?? {};
  const points = await place.run('points', 'database');
  const windows = points.records.filter(({ type }) => type === 'window');
  expect(windows.map(({ timeline }) => timeline)).toEqual([1]);
  expect(windows[0]?.snapshots).toContain(snapshot);
  const left = points.records.filter(({ type }) => type === 'given-up');
  expect(left.map(({ timeline }) => timeline)).toEqual([2]);
  const stored = points.records.filter(({ type }) => type === 'snapshot');
  expect(stored.filter(({ isGivenUp }) => isGivenUp).map(({ timeline }) => timeline)).toContain(2);
  expect(stored.find(({ isGivenUp }) => !isGivenUp)?.id).toBe(snapshot);

  expect(await ordersOf([])).toEqual([3000]);
  expect(await ordersOf(['--timeline', '2'])).toEqual([2000]);

  // The number of the one that was given up is not taken again.
  await recover();
  expect(await timelineNow()).toBe(3);
  await order(4000);
  await untilFlushed(server);
  expect(await ended(serve, 'SIGTERM')).toBe(0);
  expect(await ordersOf([])).toEqual([3000, 4000]);
}, 600_000);

/** Those that came later, of the newest state. */
async function ordersOf(options: readonly string[]): Promise<readonly number[]> {
  const parent = temporaryFolder('taken-back');
  chmodSync(parent, 0o755);
  const folder = join(parent, 'restored');
  const restored = await scene.place.run('restore', 'database', '--to', folder, ...options);
  expect(restored.exitCode, restored.stderr).toBe(0);
  await using stock = await startStock(subject?.bin as string, folder);
  const { rows } = await stock.query('select id from orders where id >= 2000 order by id', 'shop');
  await stock[Symbol.asyncDispose]();
  rmSync(parent, { recursive: true });
  return rows.map(({ id }) => Number(id));
}
