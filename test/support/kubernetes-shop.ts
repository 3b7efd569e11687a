import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import pg from 'pg';
import { untilRecord } from './command-line.ts';
import { type Installation, installation } from './installation.ts';
import { startCluster, type TestCluster, whyNoKubernetes } from './kubernetes.ts';
import { freePort, startPostgres, type TestServer } from './postgres.ts';
import { serversUnderTest } from './servers.ts';
import { cronJob, deployment, namespaceNamed, statefulSet } from './workloads.ts';

/**
 * A shop on the real API server: its pods are played (KWOK), and what the deployment `api` would do is done here: it takes its orders
 * into the database whose address the secret held when its pods came up, and answers on a port while they are ready.
 */
export interface KubernetesShop extends AsyncDisposable {
  readonly cluster: TestCluster;
  readonly server: TestServer;
  readonly other: TestServer;
  readonly place: Installation;
  readonly port: number;
  kubectl(...args: readonly string[]): Promise<string>;
  /** Kind, name and what was asked for: replicas, or whether it is suspended. */
  workloads(): Promise<Readonly<Record<string, string>>>;
  /** Address of the database in the secret. */
  address(): Promise<string>;
  /** Takes an order as a user would; rejects while the shop is down. */
  order(note: string): Promise<void>;
  /** Its services and its database, whose ground is the other server. */
  configure(): void;
  /** All rows of one of the two servers. */
  rowsOf(
    server: TestServer,
  ): Promise<{ readonly users: readonly Row[]; readonly orders: readonly Row[] }>;
}

/** Workloads of the shop in production, and while all of it is frozen. */
export const runningWorkloads = {
  'Deployment/api': '3',
  'Deployment/import': '0',
  'StatefulSet/queue': '2',
  'CronJob/nightly': 'false',
};
export const frozenWorkloads = {
  'Deployment/api': '0',
  'Deployment/import': '0',
  'StatefulSet/queue': '0',
  'CronJob/nightly': 'true',
};

const secretName = 'shop';
type Row = Readonly<Record<string, unknown>>;

export const shopSchema = `create table users (id serial primary key, email text unique not null);
  create table orders (id serial primary key, user_id int not null references users, note text not null);
  insert into users (email) select 'user' || n || '@example.com' from generate_series(1, 300) n;
  insert into orders (user_id, note) select 1 + n % 300, 'order ' || n from generate_series(1, 2000) n`;

const point = `#!/bin/sh
set -eu
case $1 in
  to) url="postgres://shop_app@$LIFEBOAT_HOST:$LIFEBOAT_PORT/$LIFEBOAT_DATABASE?sslmode=disable" ;;
  back) url=$2 ;;
  is) url="postgres://shop_app@$LIFEBOAT_HOST:$LIFEBOAT_PORT/$LIFEBOAT_DATABASE?sslmode=disable"
     test "$(kubectl --kubeconfig "$KUBE" --namespace shop get secret shop --output 'jsonpath={.data.url}')" = "$(printf %s "$url" | base64 -w 0)"
     exit ;;
esac
kubectl --kubeconfig "$KUBE" --namespace shop patch secret shop --type merge --patch "{\\"stringData\\":{\\"url\\":\\"$url\\"}}"
`;

const [subject] = serversUnderTest(15);

/** Why there is none on this machine; undefined: there is. */
export function whyNoShop(): string | undefined {
  const isWhole = subject?.bin !== undefined && subject.hasTools;
  return whyNoKubernetes() ?? (isWhole ? undefined : 'no whole PostgreSQL 15');
}

/** The shop in production, protected by `serve`; its first backup is made. */
export async function protectedKubernetesShop(): Promise<KubernetesShop> {
  const shop = await kubernetesShop();
  shop.configure();
  const serving = shop.place.spawn('serve');
  await untilRecord(serving, ({ type }) => type === 'backup');
  serving.stdout?.resume();
  return shop;
}

async function kubernetesShop(): Promise<KubernetesShop> {
  const { bin = '', major = 15 } = subject ?? {};
  await using made = new AsyncDisposableStack();
  const [cluster, server, other] = await Promise.all([
    startCluster().then((each) => made.use(each)),
    startPostgres({ bin, major, settings: { fsync: 'off' } }).then((each) => made.use(each)),
    startPostgres({ bin, major, settings: { fsync: 'off' } }).then((each) => made.use(each)),
  ]);
  for (const each of [server, other]) await each.query('create role shop_app login');
  await server.query('create database shop owner shop_app');
  await server.query(`set role shop_app; ${shopSchema}`, 'shop');

  const kubectl = (...args: readonly string[]) => cluster.kubectl([...args, '--namespace', 'shop']);
  const url = (at: TestServer) => `postgres://shop_app@127.0.0.1:${at.port}/shop?sslmode=disable`;
  await cluster.apply(namespaceNamed('shop'), {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: secretName, namespace: 'shop' },
    stringData: { url: url(server) },
  });
  await cluster.apply(
    deployment('shop', 'api', { replicas: 3 }),
    statefulSet('shop', 'queue', { replicas: 2 }),
    deployment('shop', 'import', { replicas: 0 }),
    cronJob('shop', 'nightly'),
  );
  const place = made.use(await installation());
  const script = join(place.folder, 'point');
  writeFileSync(script, point.replaceAll('"$KUBE"', cluster.kubeconfig));
  chmodSync(script, 0o755);
  const port = await freePort();
  const api = made.use(playApi(cluster, port, addressOf(kubectl)));
  await kubectl('rollout', 'status', 'statefulset/queue', '--timeout', '60s');
  await api.untilUp();

  const service = (workload: string, more = '') =>
    `{ platform: kubernetes, workload: ${workload}, namespace: shop, kubeconfig: ${cluster.kubeconfig}, writes: [database]${more} }`;
  const switched = `, switch: { command: [${script}, to], undo: [${script}, back, "${url(server)}"], isDone: [${script}, is] }`;
  const shop: KubernetesShop = {
    cluster,
    server,
    other,
    place,
    port,
    kubectl,
    async workloads() {
      const path =
        '{range .items[*]}{.kind}/{.metadata.name}={.spec.replicas}{.spec.suspend}{"\\n"}{end}';
      const text = await kubectl(
        ...['get', 'deployments,statefulsets,cronjobs', '--output', `jsonpath=${path}`],
      );
      return Object.fromEntries(
        text
          .trim()
          .split('\n')
          .map((line) => line.split('=')),
      );
    },
    address: addressOf(kubectl),
    async rowsOf(at) {
      const { rows: users } = await at.query('select * from users order by id', 'shop');
      const { rows: orders } = await at.query('select * from orders order by id', 'shop');
      return { users, orders };
    },
    async order(note) {
      const answer = await fetch(`http://127.0.0.1:${port}/orders`, { method: 'POST', body: note });
      if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
    },
    configure() {
      place.configure({
        connection: server.url('shop'),
        programs: bin,
        sourceOptions: `, environment: production, ground: { kind: server, connection: "${other.url()}" }`,
        options: `services:
  queue: ${service('statefulset/queue')}
  api: ${service('deployment/api', `, after: [queue], health: "http://127.0.0.1:${port}/health"${switched}`)}
  import: ${service('deployment/import', ', after: [api]')}
  nightly: ${service('cronjob/nightly')}
recovery:
  watch: 1s
  keepFormer: 1s
`,
      });
    },
    [Symbol.asyncDispose]: () => owned[Symbol.asyncDispose](),
  };
  const owned = made.move();
  return shop;
}

function addressOf(kubectl: KubernetesShop['kubectl']): () => Promise<string> {
  return async () => {
    const args = ['get', 'secret', secretName, '--output', 'jsonpath={.data.url}'];
    return Buffer.from(await kubectl(...args), 'base64').toString('utf8');
  };
}

interface PlayedApi extends AsyncDisposable {
  untilUp(): Promise<void>;
}

/** What runs in the pods: it reads its secret when it comes up, and is down while there is no ready pod. */
function playApi(cluster: TestCluster, port: number, address: () => Promise<string>): PlayedApi {
  let client: Promise<pg.Client> | undefined;
  const watch = watchReady(cluster, (ready) => {
    const former = client;
    if (ready === 0) {
      client = undefined;
      former?.then((each) => each.end()).catch(() => {});
    } else client ??= connected(address);
  });
  const take = async (path: string, note: string): Promise<void> => {
    if (client === undefined) throw new Error('no pod is ready');
    const sql =
      path === '/orders' ? 'insert into orders (user_id, note) values (1, $1)' : 'select $1::text';
    await (await client).query(sql, [note]);
  };
  const http: Server = createServer((request, response) => {
    let note = '';
    request.on('data', (chunk) => {
      note += String(chunk);
    });
    request.on('end', () => {
      take(request.url ?? '', note).then(
        () => response.writeHead(200).end('ok'),
        // A session that was ended is opened anew, as any pool does.
        (error) => {
          if (client !== undefined) client = connected(address);
          response.writeHead(503).end(String(error));
        },
      );
    });
  }).listen(port, '127.0.0.1');
  return {
    async untilUp() {
      for (;;) {
        const answer = await fetch(`http://127.0.0.1:${port}/health`).catch(() => undefined);
        if (answer?.ok) return;
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    },
    async [Symbol.asyncDispose]() {
      watch.kill();
      http.close();
      http.closeAllConnections();
      await (await client?.catch(() => undefined))?.end().catch(() => {});
    },
  };
}

async function connected(address: () => Promise<string>): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: await address() });
  client.on('error', () => {});
  await client.connect();
  return client;
}

function watchReady(cluster: TestCluster, onReady: (ready: number) => void): ChildProcess {
  const path = 'jsonpath={.status.readyReplicas}{"\\n"}';
  const child = spawn(
    'kubectl',
    [
      ...['--kubeconfig', cluster.kubeconfig, '--namespace', 'shop'],
      ...['get', 'deployment/api', '--watch', '--output', path],
    ],
    { env: cluster.environment, stdio: ['ignore', 'pipe', 'ignore'] },
  );
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const line = text.trimEnd().split('\n').at(-1) ?? '';
    onReady(Number(line || '0'));
  });
  return child;
}
