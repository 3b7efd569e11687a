import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import type { TestContext } from 'vitest';
import { type DockerUnderTest, dockerUnderTest } from './docker.ts';
import { freePort, temporaryFolder } from './postgres.ts';
import { shopImage } from './shop-image.ts';

/** A small platform on real Docker, by compose: a shop that writes to a PostgreSQL and to a volume of uploads. */
export interface ShopPlatform extends AsyncDisposable {
  readonly docker: DockerUnderTest;
  readonly image: string;
  readonly composeFile: string;
  /** As a shell takes it: `docker compose`. */
  readonly composeProgram: string;
  /** Of compose, and what the names of volumes and containers begin with. */
  readonly project: string;
  readonly port: number;
  readonly databasePort: number;
  /** `postgres://postgres@127.0.0.1:PORT/postgres?sslmode=disable` */
  readonly url: string;
  compose(...args: readonly string[]): Promise<string>;
  /** The shop answers again. */
  untilHealthy(): Promise<void>;
  post(path: string, body: object): Promise<unknown>;
  get(path: string): Promise<Record<string, unknown>>;
  query(sql: string): Promise<pg.QueryResult>;
  /** Name, mode and SHA-256 of each upload, a line each. */
  uploads(): Promise<string>;
}

const healthyWithinMs = 60_000;

/** Ends the test as a reported skip where there is no Docker. */
export async function shopPlatform(context: TestContext, name: string): Promise<ShopPlatform> {
  const docker = await dockerUnderTest(context, name);
  const image = shopImage();
  const folder = temporaryFolder('shop');
  const [port, databasePort] = [await freePort(), await freePort()];
  const composeFile = join(folder, 'compose.yaml');
  writeFileSync(composeFile, composeText({ image, port, databasePort }));
  const project = docker.prefix;
  const compose = (...args: readonly string[]) =>
    docker.compose('-p', project, '-f', composeFile, ...args);
  const url = `postgres://postgres@127.0.0.1:${databasePort}/postgres?sslmode=disable`;
  const address = (path: string) => `http://127.0.0.1:${port}${path}`;
  const platform: ShopPlatform = {
    docker,
    image,
    composeFile,
    composeProgram: (await docker.composeProgram()).join(' '),
    project,
    port,
    databasePort,
    url,
    compose,
    async untilHealthy() {
      const endMs = Date.now() + healthyWithinMs;
      for (;;) {
        const answer = await fetch(address('/health')).catch(() => undefined);
        if (answer?.ok) return;
        if (Date.now() > endMs)
          throw new Error(`the shop is not healthy:\n${await compose('logs')}`);
        await new Promise((resolve) => setTimeout(resolve, 200));
      }
    },
    async post(path, body) {
      const answer = await fetch(address(path), { method: 'POST', body: JSON.stringify(body) });
      if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
      return await answer.json();
    },
    async get(path) {
      const answer = await fetch(address(path));
      if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
      return (await answer.json()) as Record<string, unknown>;
    },
    async query(sql) {
      const client = new pg.Client({ connectionString: url });
      await client.connect();
      try {
        return await client.query(sql);
      } finally {
        await client.end();
      }
    },
    uploads: () =>
      docker.docker(
        ...['run', '--rm', '--volume', `${project}_uploads:/uploads:ro`, docker.image, 'sh', '-c'],
        'cd /uploads && find . -type f | sort | while read -r f; do stat -c "%a %u" "$f"; sha256sum "$f"; done',
      ),
    async [Symbol.asyncDispose]() {
      await compose('down', '--volumes', '--timeout', '2').catch(() => {});
      await docker[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  try {
    await compose('up', '--detach');
    await platform.untilHealthy();
  } catch (error) {
    await platform[Symbol.asyncDispose]();
    throw error;
  }
  return platform;
}

function composeText({
  image,
  port,
  databasePort,
}: {
  readonly image: string;
  readonly port: number;
  readonly databasePort: number;
}): string {
  return `services:
  db:
    image: ${image}
    command: [/opt/shop/start-postgres]
    environment: { PGDATA: /var/lib/postgresql/data }
    volumes: ["db-data:/var/lib/postgresql/data"]
    ports: ["127.0.0.1:${databasePort}:5432"]
    stop_signal: SIGINT
    restart: unless-stopped
  api:
    image: ${image}
    command: [/opt/shop/node, /opt/shop/server.mjs]
    environment: { DATABASE_URL: "postgres://postgres@db:5432/postgres", PORT: "8000" }
    volumes: ["uploads:/uploads"]
    ports: ["127.0.0.1:${port}:8000"]
    depends_on: [db]
    restart: unless-stopped
volumes:
  db-data: {}
  uploads: {}
`;
}
