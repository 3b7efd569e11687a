import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { expect, it } from 'vitest';
import { type NewHost, newHost } from '../support/new-host.ts';
import { freePort, temporaryFolder } from '../support/postgres.ts';
import type { ShopPlatform } from '../support/shop-platform.ts';
import { protectedShop, well } from '../support/shop-recovery.ts';

// Goal: after an intrusion nothing of the former machines is used again: cut off, kept as evidence, cleared, rebuilt on a new host from a proven
// state before it, credentials changed.

it('ransomware: isolated, copied, rebuilt elsewhere from a clean proven point, credentials changed', async (context) => {
  const folder = temporaryFolder('new-host');
  await using _ = {
    [Symbol.asyncDispose]: async () => rmSync(folder, { recursive: true, force: true }),
  };
  let fresh: NewHost | undefined;
  const did = (name: string) => join(folder, name);
  await using scene = await protectedShop(context, 'ransom', {
    grounds: async (shop) => {
      fresh = await newHost(context, shop.docker, folder);
      const { host, identity, knownHosts } = fresh;
      const at = (name: string) =>
        `{ kind: ssh-host, host: ${host}, identity: ${identity}, knownHosts: ${knownHosts}, folder: /srv/${name} }`;
      return { database: at('database'), uploads: at('uploads') };
    },
    recovery: `  isolate: [{ name: firewall, command: [touch, ${did('firewall')}] }]
  forensicCopies: [{ name: disk of web-1, command: [touch, ${did('disk-image')}] }]
  credentials: [{ name: API key of the payment service, rotate: [touch, ${did('rotated')}] }]
`,
  });
  const { shop } = scene;
  const before = await scene.content();
  const moment = new Date().toISOString();
  await new Promise((resolve) => setTimeout(resolve, 1100));
  await encrypt(shop);
  await shop.query('drop table orders, users');
  await scene.untilStreamed();
  await scene.place.run('backup', 'uploads');

  const run = await well(scene.recover('--type', 'malicious', '--at', moment, '--severity', 'P0'));

  expect(run.records.find(({ type }) => type === 'plan')).toMatchObject({
    method: 'clean-rebuild',
  });
  for (const name of ['firewall', 'disk-image', 'rotated'])
    expect(existsSync(did(name)), name).toBe(true);
  // The former services are cut off and otherwise left alone.
  for (const name of ['db', 'api']) {
    const networks = await shop.docker.docker(
      ...[
        'container',
        'inspect',
        '--format',
        '{{.State.Status}} {{len .NetworkSettings.Networks}}',
      ],
      `${shop.project}-${name}-1`,
    );
    expect(networks).toBe('running 0');
  }
  // What is on the new host is what was there before the intrusion.
  const { folder: srv } = fresh as unknown as NewHost;
  expect(await uploadsIn(shop, join(srv, 'uploads'))).toBe(before.uploads);
  const { users, orders } = await rowsOf(shop, join(srv, 'database'));
  expect({ users, orders }).toEqual({ users: before.users, orders: before.orders });
  const steps = run.records.filter(({ type }) => type === 'run-step-done').map(({ step }) => step);
  expect(steps.indexOf('clearance')).toBeLessThan(steps.indexOf('restore-database'));
  expect(steps.indexOf('forensic-copy')).toBeLessThan(steps.indexOf('clearance'));
});

async function encrypt(shop: ShopPlatform): Promise<void> {
  const place = await shop.docker.docker(
    ...['volume', 'inspect', '--format', '{{.Mountpoint}}', `${shop.project}_uploads`],
  );
  for (const name of readdirSync(place)) {
    const { length } = readFileSync(join(place, name));
    writeFileSync(join(place, `${name}.locked`), randomBytes(length));
    rmSync(join(place, name));
  }
}

async function uploadsIn({ docker }: ShopPlatform, folder: string): Promise<string> {
  return await docker.docker(
    ...['run', '--rm', '--volume', `${folder}:/uploads:ro`, docker.image, 'sh', '-c'],
    'cd /uploads && find . -type f | sort | while read -r f; do stat -c "%a %u" "$f"; sha256sum "$f"; done',
  );
}

/** By the server of the shop, started on the data as it lies there. */
async function rowsOf({ docker, image }: ShopPlatform, folder: string) {
  const port = await freePort();
  await docker.docker(
    ...[
      'run',
      '--detach',
      '--name',
      `${docker.prefix}-rebuilt`,
      '--publish',
      `127.0.0.1:${port}:5432`,
    ],
    ...[
      '--volume',
      `${folder}:/var/lib/postgresql/data`,
      '--env',
      'PGDATA=/var/lib/postgresql/data',
    ],
    ...[image, '/opt/shop/start-postgres'],
  );
  const connectionString = `postgres://postgres@127.0.0.1:${port}/postgres?sslmode=disable`;
  const ask = async (sql: string) => {
    const client = new pg.Client({ connectionString });
    await client.connect();
    try {
      return (await client.query(sql)).rows;
    } finally {
      await client.end();
    }
  };
  await expect.poll(() => ask('select 1').catch(() => []), { timeout: 60_000 }).toHaveLength(1);
  return {
    users: await ask('select * from users order by id'),
    orders: await ask('select * from orders order by id'),
  };
}
