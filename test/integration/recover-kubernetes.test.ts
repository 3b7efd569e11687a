// The mass DELETE on Kubernetes: services live in a real API server, the database is a PostgreSQL on this host. Everything by the command
// line as a script uses it.
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { untilRecord } from '../support/command-line.ts';
import { type KubernetesShop, kubernetesShop, whyNoShop } from '../support/kubernetes-shop.ts';
import { untilFlushed } from '../support/until-flushed.ts';

const running = {
  'Deployment/api': '3',
  'Deployment/import': '0',
  'StatefulSet/queue': '2',
  'CronJob/nightly': 'false',
};
const frozen = {
  'Deployment/api': '0',
  'Deployment/import': '0',
  'StatefulSet/queue': '0',
  'CronJob/nightly': 'true',
};

let shop: KubernetesShop;

beforeAll(async () => {
  if (whyNoShop() !== undefined) return;
  shop = await kubernetesShop();
  shop.configure();
  const serving = shop.place.spawn('serve');
  await untilRecord(serving, ({ type }) => type === 'backup');
  serving.stdout?.resume();
});
afterAll(() => shop?.[Symbol.asyncDispose]());
beforeEach((context) => {
  const why = whyNoShop();
  if (why !== undefined) context.skip(why);
});

const rowsOf = async (server: KubernetesShop['server']) => {
  const { rows: users } = await server.query('select * from users order by id', 'shop');
  const { rows: orders } = await server.query('select * from orders order by id', 'shop');
  return { users, orders };
};
const lastOf = (records: readonly Record<string, unknown>[]) =>
  records.at(-1) as Record<string, unknown>;
const runOf = (records: readonly Record<string, unknown>[]) =>
  String(records.find(({ type }) => type === 'run-opened')?.run);

it('puts deleted rows back: scaled to nothing meanwhile, to the former replicas after', async () => {
  const { place, server } = shop;
  await shop.order('after the backup');
  const before = await rowsOf(server);
  expect(await shop.workloads()).toEqual(running);

  // 1. Somebody forgets the second half of a WHERE; the shop goes on.
  await server.query('delete from orders where user_id < 200', 'shop');
  await shop.order('after the loss');
  const { rows: late } = await server.query(
    "select * from orders where note = 'after the loss'",
    'shop',
  );
  await untilFlushed(server);

  // 2. Everything is stopped; then somebody has to allow that rows are put back.
  const first = await place.run('recover', 'database', '--severity', 'P1', '--yes', 'freeze');
  expect(first.exitCode, first.stdout + first.stderr).toBe(3);
  expect(lastOf(first.records)).toMatchObject({ code: 'run.paused' });
  expect(await shop.workloads()).toEqual(frozen);
  await expect(shop.order('in the middle')).rejects.toThrow('no pod is ready');

  // 3. With the name typed it goes to its end.
  const end = await place.run('recover', '--resume', runOf(first.records), '--yes', 'shop');
  expect(end.exitCode, end.stdout + end.stderr).toBe(0);
  expect(lastOf(end.records)).toMatchObject({ type: 'run-done', phase: 'done' });
  const after = await rowsOf(server);
  expect(after.users).toEqual(before.users);
  expect(after.orders).toEqual([...before.orders, ...late].sort((a, b) => a.id - b.id));
  expect(await shop.workloads()).toEqual(running);
  await shop.order('open again');
});

it('goes to another server by connection alone: services are pointed there through the API server', async () => {
  const { place, server, other } = shop;
  const former = await shop.address();
  await shop.order('before the second loss');
  const before = await rowsOf(server);
  await untilFlushed(server);
  const wasWell = new Date().toISOString();
  await server.query('delete from orders where user_id >= 100', 'shop');

  // 1. Up to where what was written since is given up.
  const wish = ['--at', wasWell, '--method', 'new-server', '--yes', 'freeze'];
  const first = await place.run('recover', 'database', ...wish);
  expect(first.exitCode, first.stdout + first.stderr).toBe(3);
  expect(await shop.workloads()).toEqual(frozen);

  // 2. In place there, and the services that can be are pointed there, while nothing runs.
  const run = runOf(first.records);
  const second = await place.run('recover', '--resume', run, '--yes', 'database');
  expect(second.exitCode, second.stdout + second.stderr).toBe(3);
  expect(String(lastOf(second.records).message)).toContain('Point queue, import, nightly');
  expect(await rowsOf(other)).toEqual(before);
  expect(await shop.workloads()).toEqual(frozen);
  expect(await shop.address()).toBe(former.replace(`:${server.port}/`, `:${other.port}/`));

  // 3. As many as before; what only a person can do is said by name.
  const words = ['pointed', 'protected', 'database'].flatMap((each) => ['--yes', each]);
  const end = await place.run('recover', '--resume', run, ...words);
  expect(end.exitCode, end.stdout + end.stderr).toBe(0);
  expect(lastOf(end.records)).toMatchObject({ type: 'run-done', phase: 'done' });
  expect(await shop.workloads()).toEqual(running);
  await shop.order('at the new place');
  const { users, orders } = await rowsOf(other);
  expect(users).toEqual(before.users);
  expect(orders.at(-1)).toMatchObject({ note: 'at the new place' });
  expect(orders.slice(0, -1)).toEqual(before.orders);
});
