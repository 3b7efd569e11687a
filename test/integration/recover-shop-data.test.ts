import { expect, it } from 'vitest';
import { protectedShop, well } from '../support/shop-recovery.ts';

// Goal: what went wrong in the database of the shop is put right by `lifeboat recover` alone, row by row.

const planOf = ({ records }: { readonly records: readonly Record<string, unknown>[] }) =>
  records.find(({ type }) => type === 'plan');

it('a mass DELETE: the rows are back, and what was written since stays', async (context) => {
  await using scene = await protectedShop(context, 'delete');
  const { shop } = scene;
  const before = await scene.content();
  await shop.query('delete from orders where id % 2 = 0');
  await shop.post('/orders', { email: 'late@example.com', note: 'after the loss' });
  await scene.untilStreamed();
  const run = await well(scene.recover('--title', 'orders are missing'));
  expect(planOf(run)).toMatchObject({ method: 'rescue-rows' });
  const { users, orders, uploads } = await scene.content();
  expect(orders).toEqual([...before.orders, expect.objectContaining({ note: 'after the loss' })]);
  expect(users).toEqual([...before.users, expect.objectContaining({ email: 'late@example.com' })]);
  expect(uploads).toBe(before.uploads);
  await shop.untilHealthy();
});

it('a failed migration, its moment given: the cluster is as it was then', async (context) => {
  await using scene = await protectedShop(context, 'migrate', { keepFormer: '1h' });
  const { shop } = scene;
  await shop.post('/orders', { email: 'early@example.com', note: 'before the migration' });
  const before = await scene.content();
  await new Promise((resolve) => setTimeout(resolve, 1100));
  const { rows } = await shop.query('select now() as moment');
  await new Promise((resolve) => setTimeout(resolve, 1100));
  await shop.query('alter table orders drop column note');
  await shop.query("update users set email = 'user' || id");
  await scene.untilStreamed();
  const moment = (rows[0].moment as Date).toISOString();
  const run = await well(scene.recover('database', '--type', 'failed-migration', '--at', moment));
  expect(planOf(run)).toMatchObject({ method: 'point-in-time' });
  expect(await scene.content()).toEqual(before);
  await shop.untilHealthy();
  // The way back is open until what was replaced is let go of.
  const recovered = run.records.find(({ type }) => type === 'run-recovered');
  const ended = await well(scene.recover('--resume', String(recovered?.run), '--let-go'));
  expect(ended.records.find(({ type }) => type === 'run-done')).toBeDefined();
  expect(await scene.content()).toEqual(before);
});
