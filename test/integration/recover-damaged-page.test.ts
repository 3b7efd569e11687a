import { closeSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { protectedShop, well } from '../support/shop-recovery.ts';

// Goal: a page that a disk damaged is answered by the newest state without the damage, and nothing is lost.

const planOf = ({ records }: { readonly records: readonly Record<string, unknown>[] }) =>
  records.find(({ type }) => type === 'plan');

it('a damaged page: the newest state without it is put in place, and nothing is lost', async (context) => {
  await using scene = await protectedShop(context, 'page');
  const { shop } = scene;
  await shop.post('/orders', { email: 'late@example.com', note: 'after the backup' });
  const before = await scene.content();
  const { rows } = await shop.query("select pg_relation_filepath('orders') as path");
  await shop.query('checkpoint');
  await scene.untilStreamed();
  await shop.compose('stop', 'db');
  const volume = await shop.docker.docker(
    ...['volume', 'inspect', '--format', '{{.Mountpoint}}', `${shop.project}_db-data`],
  );
  const file = openSync(join(volume, rows[0].path), 'r+');
  writeSync(file, Buffer.alloc(512, 0xa5), 0, 512, 7000);
  closeSync(file);
  await shop.compose('start', 'db');
  await expect
    .poll(() => shop.query('select * from orders').catch(({ message }) => message), {
      timeout: 60_000,
    })
    .toContain('invalid page');
  const run = await well(scene.recover('--title', 'the shop answers with errors'));
  expect(planOf(run)).toMatchObject({ method: 'full-restore' });
  expect(await scene.content()).toEqual(before);
  await shop.untilHealthy();
});
