import type { ChildProcess } from 'node:child_process';
import { hostname } from 'node:os';
import { expect, type TestContext } from 'vitest';
import { type CommandResult, untilRecord } from './command-line.ts';
import { ended, type Installation, installation } from './installation.ts';
import { type ShopPlatform, shopPlatform } from './shop-platform.ts';

/** The shop in production, as its people protect it: backed up, proven, and its log streamed all the time. */
export interface ProtectedShop extends AsyncDisposable {
  readonly shop: ShopPlatform;
  readonly place: Installation;
  /** All that has to be typed, or allowed, as arguments. */
  readonly yes: readonly string[];
  /** `lifeboat recover`, as a script that gives all that has to be typed. */
  recover(...args: readonly string[]): Promise<CommandResult>;
  /** All rows, and all files with their bytes, in words that can be compared. */
  content(): Promise<ShopContent>;
  /** What was written so far is in the repository. */
  untilStreamed(): Promise<void>;
}

export interface ShopContent {
  readonly users: readonly unknown[];
  readonly orders: readonly unknown[];
  readonly uploads: string;
}

export interface ProtectedShopOptions {
  /** More of the service `api`, as YAML of one line: `, redeploy: [...]`. */
  readonly api?: (shop: ShopPlatform) => string;
  /** More of `recovery`, as lines with two blanks before them. */
  readonly recovery?: string;
  /** `recovery.keepFormer`. Default: 1s. */
  readonly keepFormer?: string;
  /** Of Lifeboat, made for it; without, it is that of everybody. */
  readonly role?: string;
  /** Where the sources go instead of the volumes that they are in. */
  readonly grounds?: (
    shop: ShopPlatform,
  ) => Promise<{ readonly database: string; readonly uploads: string }>;
}

export async function protectedShop(
  context: TestContext,
  name: string,
  options: ProtectedShopOptions = {},
): Promise<ProtectedShop> {
  await using opening = new AsyncDisposableStack();
  const shop = opening.use(await shopPlatform(context, name));
  const place = opening.use(await installation());
  const { role } = options;
  if (role !== undefined) await shop.query(`create role ${role} superuser login`);
  configure(shop, place, options, await options.grounds?.(shop));
  for (let at = 1; at <= 40; at++) {
    await shop.post('/orders', { email: `user${at % 10}@example.com`, note: `order ${at}` });
  }
  for (let at = 1; at <= 6; at++) {
    await shop.post('/uploads', { name: `${at}.txt`, text: `file ${at}\n`.repeat(at * 1000) });
  }
  const serve = place.spawn('serve');
  await untilRecord(serve, ({ type, phase }) => type === 'stream' && phase === 'streaming');
  for (const source of ['database', 'uploads']) await well(place.run('backup', source));
  await well(place.run('prove', 'database'));
  const typed = ['database', 'uploads', 'postgres', ...said, ...steps, hostname()];
  const yes = typed.flatMap((each) => ['--yes', each]);
  const opened = opening.move();
  return {
    shop,
    place,
    yes,
    recover: (...args) => place.run('recover', ...args, ...yes),
    async content() {
      const { rows: users } = await shop.query('select * from users order by id');
      const { rows: orders } = await shop.query('select * from orders order by id');
      return { users, orders, uploads: await shop.uploads() };
    },
    untilStreamed: () => untilStreamed(shop),
    async [Symbol.asyncDispose]() {
      await stop(serve);
      await opened[Symbol.asyncDispose]();
    },
  };
}

/** What is typed to say that a person did it, or that the recovery may go on. */
const said = ['isolated', 'cleared', 'ready', 'done', 'started', 'changed'];

/** Where nothing has to be typed, the id of the step allows it. */
const steps = [
  'freeze',
  'stop-database',
  'start-database',
  'start-api',
  'redeploy-api',
  'redeploy-db',
  'isolate',
  'rotate-credentials',
];

function configure(
  shop: ShopPlatform,
  place: Installation,
  { api = () => '', recovery = '', keepFormer = '1s', role = 'postgres' }: ProtectedShopOptions,
  grounds: { readonly database: string; readonly uploads: string } | undefined,
): void {
  const { composeFile, project, docker, port } = shop;
  const compose = (service: string) =>
    `platform: docker, compose: { files: [${composeFile}], service: ${service}, project: ${project} }`;
  const usual = `{ kind: docker-volume, volume: ${project}_db-data, image: ${docker.image} }`;
  place.configure({
    connection: shop.url.replace('//postgres@', `//${role}@`),
    sourceOptions: `, environment: production, service: db, ground: ${grounds?.database ?? usual} }
  uploads: { kind: volume, volume: ${project}_uploads, image: ${docker.image}, environment: production${grounds === undefined ? '' : `, ground: ${grounds.uploads}`}`,
    options: `services:
  db: { ${compose('db')} }
  api: { ${compose('api')}, writes: [database, uploads], after: [db], health: "http://127.0.0.1:${port}/health"${api(shop)} }
recovery:
  watch: 1s
  keepFormer: ${keepFormer}
${recovery}`,
  });
}

export async function well(run: Promise<CommandResult>): Promise<CommandResult> {
  const result = await run;
  expect(result.exitCode, result.stdout + result.stderr).toBe(0);
  return result;
}

async function untilStreamed(shop: ShopPlatform): Promise<void> {
  const { rows } = await shop.query('select pg_switch_wal() as lsn');
  const endMs = Date.now() + 60_000;
  for (;;) {
    const sql = `select count(*)::int as n from pg_stat_replication where flush_lsn >= '${rows[0].lsn}'`;
    const [found] = (await shop.query(sql)).rows;
    if (found.n > 0) return;
    if (Date.now() > endMs) throw new Error('the log is not streamed');
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function stop(child: ChildProcess): Promise<void> {
  await ended(child, 'SIGTERM');
}
