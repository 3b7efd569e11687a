// The mass DELETE on Kubernetes, answered by putting the rows back on the same server; services live in a real API server.
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

it('puts deleted rows back: scaled to nothing meanwhile, to the former replicas after', async (context) => {
  const why = whyNoShop();
  if (why !== undefined) context.skip(why);
  await using shop = await protectedKubernetesShop();
  const { place, server } = shop;
  await shop.order('after the backup');
  const before = await shop.rowsOf(server);
  expect(await shop.workloads()).toEqual(runningWorkloads);

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
  expect(await shop.workloads()).toEqual(frozenWorkloads);
  await expect(shop.order('in the middle')).rejects.toThrow('no pod is ready');

  // 3. With the name typed it goes to its end.
  const end = await place.run('recover', '--resume', runOf(first.records), '--yes', 'shop');
  expect(end.exitCode, end.stdout + end.stderr).toBe(0);
  expect(lastOf(end.records)).toMatchObject({ type: 'run-done', phase: 'done' });
  const after = await shop.rowsOf(server);
  expect(after.users).toEqual(before.users);
  expect(after.orders).toEqual(
    [...before.orders, ...late].sort((a, b) => Number(a.id) - Number(b.id)),
  );
  expect(await shop.workloads()).toEqual(runningWorkloads);
  await shop.order('open again');
});
