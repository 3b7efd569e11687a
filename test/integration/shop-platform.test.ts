import { expect, it } from 'vitest';
import { installation } from '../support/installation.ts';
import { shopPlatform } from '../support/shop-platform.ts';

// Goal: the platform that recoveries are tried on is real: a shop writes to a PostgreSQL and a volume, in containers, and is backed up.

it('a shop on Docker is served, backed up and proven', async (context) => {
  await using shop = await shopPlatform(context, 'shop');
  await using place = await installation({ connection: shop.url });
  await shop.post('/orders', { email: 'a@example.com', note: 'first' });
  await shop.post('/uploads', { name: 'a.txt', text: 'hello' });
  expect(await shop.get('/counts')).toEqual({ users: 1, orders: 1, uploads: 1 });
  const backup = await place.run('backup');
  expect(backup.exitCode, backup.stderr).toBe(0);
  const proof = await place.run('prove');
  expect(proof.exitCode, proof.stdout).toBe(0);
});
