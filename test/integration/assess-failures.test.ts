// What a run's step `assess` does when what it looks at fails, in each way a step can fail: it stops nothing, ends in bounded time, says of each
// part why it could not be looked at, and tells all the rest. Only Ctrl-C fails it (`test/support/step-failures/by-services.ts`).
import { chmodSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import type { DamageReport, PostgresDamage, StepOutcome } from '../../src/recovery/index.ts';
import { assessStep } from '../../src/recovery/steps/kinds/assess.ts';
import { createSource, parseConnectionUrl } from '../../src/sources/index.ts';
import { temporaryFolder } from '../support/postgres.ts';
import { serversUnderTest } from '../support/servers.ts';
import { need } from '../support/skip.ts';
import { stepContext } from '../support/step-context.ts';
import { type DatabaseWorld, databaseWorld } from '../support/step-failures/database-world.ts';

const [subject] = serversUnderTest(15);
let world: DatabaseWorld;
let folder: string;

beforeAll(async () => {
  if (subject?.bin) world = await databaseWorld(subject.bin, subject.major);
});
afterAll(() => world?.[Symbol.asyncDispose]());
beforeEach(async (context) => {
  need(context, subject?.bin, 'PostgreSQL 15 is not installed');
  folder = temporaryFolder('assess-failures');
  await world.reset();
});
afterEach(() => {
  world?.relay.mend();
  rmSync(folder, { recursive: true, force: true });
});

function script(name: string, text: string): string {
  const file = join(folder, name);
  writeFileSync(file, `#!/bin/sh\n${text}\n`);
  chmodSync(file, 0o755);
  return file;
}

/** A service whose output has an error, and which runs, but for what is said. */
function service(name: string, { isRunning = 'exit 0', output = 'echo ERROR: told' } = {}): string {
  const [look, say] = [script(`${name}-look`, isRunning), script(`${name}-say`, output)];
  return `  ${name}: { platform: shell, start: ["true"], stop: ["true"], isRunning: [${look}], output: [${say}], writes: [database] }\n`;
}

/** The step as a run calls it. `url`: of the server. */
async function assess(services: readonly string[], url = world.url()) {
  const connection = parseConnectionUrl(url);
  const database = await createSource({
    kind: 'postgres',
    name: 'database',
    connection,
    stateFolder: join(folder, 'state'),
  });
  const context = stepContext({
    folder,
    yaml: `sources: { database: { kind: postgres, connection: "${url}" } }\nservices:\n${services.join('')}`,
    sources: { database },
    repository: world.repository,
  });
  const attached: string[] = [];
  const outcome: StepOutcome = await assessStep.run(
    { sources: ['database'] },
    { ...context, tell: async ({ attachment }) => void attached.push(attachment?.text ?? '') },
  );
  const report = JSON.parse(attached[0] as string) as DamageReport;
  const [source] = report.sources as readonly [PostgresDamage];
  // The repository needs no server: what it knows is there whatever that does.
  expect(source.suspects).toMatchObject({
    looked: true,
    found: { suspects: [{ kind: 'delete' }] },
  });
  expect(outcome.evidence).toMatchObject({ verdict: 'damage-found' });
  const kinds = report.findings.map(({ kind }) => kind);
  return { report, source, kinds, services: report.services };
}

it('time-out: a server that is not heard of any more, commands of services that do not end', async () => {
  world.relay.break('hang');
  const hang = 'exec sleep 600';
  const { source, kinds, services } = await assess([
    service('silent', { output: hang }),
    service('stuck', { isRunning: hang }),
  ]);
  expect(source.server.looked).toBe(false);
  expect(kinds).toContain('server-down');
  expect(services).toMatchObject([
    { name: 'silent', state: { looked: true }, output: { looked: false } },
    { name: 'stuck', state: { looked: false }, output: { looked: true, found: { matched: 1 } } },
  ]);
  for (const part of [services[0]?.output, services[1]?.state]) {
    expect(part?.looked === false && part.why).toMatch(/did not end within|not done within/);
  }
});

it('non-zero: commands of services that end with 3', async () => {
  const refuse = 'echo "no route to host" >&2; exit 3';
  const { kinds, services } = await assess([service('api', { isRunning: refuse, output: refuse })]);
  expect(services).toMatchObject([
    {
      state: { looked: false, why: expect.stringContaining('no route to host') },
      output: { looked: false, why: expect.stringContaining('no route to host') },
    },
  ]);
  expect(kinds).not.toContain('service-state');
});

it('partial: one of two services cannot be asked, one database of the server not be looked at', async () => {
  await world.server.query('create database closed with connection limit 0');
  await world.server.query('alter database closed allow_connections false');
  const { source, services } = await assess([
    service('api'),
    service('worker', { isRunning: 'exit 3', output: 'exit 3' }),
  ]);
  expect(source.server).toMatchObject({
    looked: true,
    found: { closed: [{ name: 'closed', why: expect.any(String) }] },
  });
  expect(services).toMatchObject([
    { name: 'api', state: { looked: true }, output: { looked: true, found: { matched: 1 } } },
    { name: 'worker', state: { looked: false }, output: { looked: false } },
  ]);
  await world.server.query('alter database closed allow_connections true');
});

it('cut: the connection, in the midst of its looking', async () => {
  world.relay.breakAfter(6_000, 'cut');
  const { source } = await assess([service('api')]);
  expect(world.relay.isBroken()).toBe(true);
  const parts = [source.server, source.sessions, source.statements, source.replication];
  const missed = parts.filter((part) => !part.looked);
  expect(missed.length).toBeGreaterThan(0);
  for (const part of missed) expect(!part.looked && part.code).not.toBe('bug');
});

it('wrong answer: something else answers in the place of the server', async () => {
  const sockets = new Set<Socket>();
  const other = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.once('data', () => void socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
  });
  await new Promise<void>((resolve) => void other.listen(0, '127.0.0.1', resolve));
  const { port } = other.address() as { port: number };
  try {
    const url = `postgres://postgres@127.0.0.1:${port}/shop?sslmode=disable&connect_timeout=2`;
    const { source, kinds, services } = await assess(
      [service('api', { isRunning: 'exit 7' })],
      url,
    );
    expect(source.server.looked).toBe(false);
    expect(kinds).toContain('server-down');
    expect(services).toMatchObject([{ state: { looked: false } }]);
  } finally {
    for (const socket of sockets) socket.destroy();
    other.close();
  }
});
