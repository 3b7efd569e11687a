// The mass DELETE on Kubernetes: services live in a real API server, the databases are servers of this host. By the command line as a script
// uses it. Rows put back on the same server: test/soak/recover-kubernetes-rows.test.ts.
import { expect, it } from 'vitest';
import {
  frozenWorkloads,
  protectedKubernetesShop,
  runningWorkloads,
  whyNoShop,
} from '../support/kubernetes-shop.ts';
import { untilFlushed } from '../support/until-flushed.ts';

const lastOf = (records: readonly Record<string, unknown>[]) =>
  records.at(-1) as Record<string, unknown>;
const runOf = (records: readonly Record<string, unknown>[]) =>
  String(records.find(({ type }) => type === 'run-opened')?.run);

it('goes to another server by connection alone: services are pointed there through the API server', async (context) => {
  const why = whyNoShop();
  if (why !== undefined) context.skip(why);
  await using shop = await protectedKubernetesShop();
  const { place, server, other } = shop;
  const former = await shop.address();
  await shop.order('before the loss');
  const before = await shop.rowsOf(server);
  await untilFlushed(server);
  const wasWell = new Date().toISOString();
  await server.query('delete from orders where user_id >= 100', 'shop');

  // 1. Up to where what was written since is given up.
  const wish = ['--at', wasWell, '--method', 'new-server', '--yes', 'freeze'];
  const first = await place.run('recover', 'database', ...wish);
  expect(first.exitCode, first.stdout + first.stderr).toBe(3);
  expect(await shop.workloads()).toEqual(frozenWorkloads);

  // 2. In place there, and the services that can be are pointed there, while nothing runs.
  const run = runOf(first.records);
  const second = await place.run('recover', '--resume', run, '--yes', 'database');
  expect(second.exitCode, second.stdout + second.stderr).toBe(3);
  expect(String(lastOf(second.records).message)).toContain('Point queue, import, nightly');
  expect(await shop.rowsOf(other)).toEqual(before);
  expect(await shop.workloads()).toEqual(frozenWorkloads);
  expect(await shop.address()).toBe(former.replace(`:${server.port}/`, `:${other.port}/`));

  // 3. As many as before; what only a person can do is said by name.
  const words = ['pointed', 'protected', 'database'].flatMap((each) => ['--yes', each]);
  const end = await place.run('recover', '--resume', run, ...words);
  expect(end.exitCode, end.stdout + end.stderr).toBe(0);
  expect(lastOf(end.records)).toMatchObject({ type: 'run-done', phase: 'done' });
  expect(await shop.workloads()).toEqual(runningWorkloads);
  await shop.order('at the new place');
  const { users, orders } = await shop.rowsOf(other);
  expect(users).toEqual(before.users);
  expect(orders.at(-1)).toMatchObject({ note: 'at the new place' });
  expect(orders.slice(0, -1)).toEqual(before.orders);
}, 600_000);
