import { expect, it } from 'vitest';
import { protectedShop, well } from '../support/shop-recovery.ts';

// Goal: after an accidental `docker compose down -v`, and `up -d` that made a new and empty database of it, the shop is back, row by row and
// byte by byte, by `lifeboat recover` alone: nobody has to say what happened.

it('docker compose down -v, then up -d: what was made anew is replaced', async (context) => {
  await using scene = await protectedShop(context, 'anew', { role: 'lifeboat' });
  const { shop } = scene;
  await shop.post('/orders', { email: 'late@example.com', note: 'after the backup' });
  await scene.untilStreamed();
  const before = await scene.content();
  await shop.compose('down', '--volumes', '--timeout', '2');
  await shop.compose('up', '--detach');

  const run = await well(scene.recover('--title', 'the shop is empty', '--severity', 'P0'));

  await shop.untilHealthy();
  expect(await scene.content()).toEqual(before);
  const plan = run.records.find(({ type }) => type === 'plan');
  expect(plan).toMatchObject({ method: 'full-restore' });
  expect(JSON.stringify(plan?.reasons)).toContain('holds another cluster');
});
