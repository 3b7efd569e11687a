import { expect, it } from 'vitest';
import { protectedShop, well } from '../support/shop-recovery.ts';

// Goal: after an accidental `docker compose down -v` the shop is back, row by row and byte by byte, by `lifeboat recover` alone.

it('docker compose down -v: containers, database and uploads come back', async (context) => {
  await using scene = await protectedShop(context, 'down');
  const { shop } = scene;
  await shop.post('/orders', { email: 'late@example.com', note: 'after the backup' });
  await scene.untilStreamed();
  const before = await scene.content();
  await shop.compose('down', '--volumes', '--timeout', '2');
  await expect(shop.get('/counts')).rejects.toThrow();

  const run = await well(scene.recover('--title', 'the shop is gone', '--severity', 'P0'));

  await shop.untilHealthy();
  expect(await scene.content()).toEqual(before);
  const { records } = run;
  expect(records.find(({ type }) => type === 'plan')).toMatchObject({ method: 'full-restore' });
  expect(records.find(({ type }) => type === 'run-done')).toMatchObject({ phase: 'done' });
  // It goes on as before: what is written now is kept and backed up.
  await shop.post('/orders', { email: 'late@example.com', note: 'after the recovery' });
  expect(await shop.get('/counts')).toMatchObject({ orders: before.orders.length + 1 });
});
