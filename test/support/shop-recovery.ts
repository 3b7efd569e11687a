import { rmSync } from 'node:fs';
import { hostname } from 'node:os';
import type { TestContext } from 'vitest';
import type { CommandResult } from './command-line.ts';
import { type Installation, installation } from './installation.ts';
import { type ShopPlatform, shopPlatform } from './shop-platform.ts';

/** The shop in production, protected: what it is made of, its database and its uploads are backed up and proven. */
export interface ProtectedShop extends AsyncDisposable {
  readonly shop: ShopPlatform;
  readonly place: Installation;
  /** `lifeboat recover` as a script runs it: what has to be typed is given. */
  recover(...args: readonly string[]): Promise<CommandResult>;
  /** All rows, all bytes of uploads. */
  content(): Promise<unknown>;
}

export async function protectedShop(
  context: TestContext,
  name: string,
  options: { readonly services?: string; readonly recovery?: string } = {},
): Promise<ProtectedShop> {
  const shop = await shopPlatform(context, name);
  await using onFailure = new AsyncDisposableStack();
  onFailure.use(shop);
  const place = await installation();
  onFailure.use(place);
  const { composeFile, project } = shop;
  const compose = (service: string) =>
    `platform: docker, compose: { files: [${composeFile}], service: ${service}, project: ${project} }`;
  place.configure({
    connection: shop.url,
    sourceOptions: `, environment: production, service: db, ground: { kind: docker-volume, volume: ${project}_db-data, image: ${shop.docker.image} } }
  uploads: { kind: volume, volume: ${project}_uploads, environment: production`,
    options: `services:
  db: { ${compose('db')} }
  api: { ${compose('api')}, writes: [database, uploads], after: [db], health: "http://127.0.0.1:${shop.port}/health"${options.services ?? ''} }
recovery:
  watch: 2s
  keepFormer: 1s
${options.recovery ?? ''}`,
  });
  onFailure.move();
  return {
    shop,
    place,
    recover: (...args) =>
      place.run(
        'recover',
        ...args,
        ...['database', 'uploads', hostname()].flatMap((each) => ['--yes', each]),
      ),
    async content() {
      const { rows: users } = await shop.query('select * from users order by id');
      const { rows: orders } = await shop.query('select * from orders order by id');
      return { users, orders, uploads: await shop.uploads() };
    },
    async [Symbol.asyncDispose]() {
      await place[Symbol.asyncDispose]();
      await shop[Symbol.asyncDispose]();
      rmSync(place.folder, { recursive: true, force: true });
    },
  };
}
