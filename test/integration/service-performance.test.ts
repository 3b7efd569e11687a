// How fast services answer is recorded with backups, and what is slower after a recovery is told, and fails nothing: with a real PostgreSQL
// and a real HTTP service.
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createPlatforms } from '../../src/platforms/index.ts';
import { measureServices } from '../../src/recovery/index.ts';
import { listServicePerformance } from '../../src/recovery/service-baseline/service-performance-record.ts';
import { watch } from '../../src/recovery/steps/kinds/watch.ts';
import { LocalLocation, openRepository, type Repository } from '../../src/repository/index.ts';
import { createSource, parseConnectionUrl } from '../../src/sources/index.ts';
import { type Installation, installation, installationPassword } from '../support/installation.ts';
import { startPostgres, type TestServer } from '../support/postgres.ts';
import { serversUnderTest } from '../support/servers.ts';
import { need } from '../support/skip.ts';
import { stepContext } from '../support/step-context.ts';

const statement = 'select pg_sleep($1)';

describe.each(serversUnderTest(15))('performance, $name', ({ bin, major, hasTools }) => {
  let server: TestServer;
  let own: Installation;
  let web: Server;
  let port: number;
  let answerAfterMs = 0;
  const asked: string[] = [];

  const services = () =>
    `services:
  api:
    platform: shell
    start: ['true']
    stop: ['true']
    isRunning: ['true']
    writes: [database]
    health: http://127.0.0.1:${port}/health?key=geheim
    checks:
      - { name: login, http: "http://127.0.0.1:${port}/login", send: { user: tester } }
`;

  beforeAll(async () => {
    web = createServer((request, response) => {
      asked.push(`${request.method} ${request.url}`);
      if (request.url === '/never') return;
      setTimeout(() => response.end('ok'), answerAfterMs);
    });
    await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', resolve));
    port = (web.address() as AddressInfo).port;
    if (!bin || !hasTools) return;
    const settings = { shared_preload_libraries: 'pg_stat_statements' };
    server = await startPostgres({ bin, major, settings });
    await server.query('create database shop');
    await server.query('create extension pg_stat_statements', 'shop');
    own = await installation({
      connection: server.url('shop'),
      programs: bin,
      options: services(),
    });
  });

  afterAll(async () => {
    web.close();
    web.closeAllConnections();
    await own?.[Symbol.asyncDispose]();
    await server?.[Symbol.asyncDispose]();
  });

  async function sleepTimes(seconds: number) {
    for (let round = 0; round < 6; round += 1)
      await server.query(`select pg_sleep(${seconds})`, 'shop');
  }

  async function watched(repository: Repository) {
    const connection = parseConnectionUrl(server.url('shop'));
    const stateFolder = own.stateFolder;
    const database = await createSource({
      kind: 'postgres',
      name: 'database',
      connection,
      stateFolder,
    });
    const yaml = `sources: { database: { kind: postgres, connection: "${server.url('shop')}" } }\n${services()}`;
    const context = stepContext({ folder: own.folder, yaml, sources: { database }, repository });
    const input = { services: ['api'], sources: ['database'], durationMs: 1 };
    return { outcome: await watch.run(input, context), told: context.told };
  }

  it('is recorded with a backup, and what is slower afterwards is told without failing', async (context) => {
    need(context, bin && hasTools, 'no whole server of this version');
    await sleepTimes(0.001);
    asked.length = 0;
    expect((await own.run('backup')).exitCode).toBe(0);
    // By three rounds, and without what might change something.
    expect(asked).toEqual(Array(3).fill('GET /health?key=geheim'));

    await using repository = await openRepository({
      location: new LocalLocation(own.repositoryFolder),
      password: installationPassword,
    });
    const [recorded, ...others] = await listServicePerformance(repository, 'database');
    expect(others).toEqual([]);
    const health = `GET http://127.0.0.1:${port}/health?key=…`;
    expect(recorded?.performance.answersMs).toEqual({ api: { [health]: expect.any(Number) } });
    const means = Object.values(recorded?.performance.statements.database ?? {});
    expect(means).toContainEqual(expect.objectContaining({ text: statement, calls: 6 }));
    expect(JSON.stringify(recorded)).not.toContain('geheim');

    const same = await watched(repository);
    expect(same.outcome.text).toMatch(/all is well$/);
    expect(same.outcome.evidence.performance).toMatchObject({ comparedWithBackups: 1, slower: [] });
    expect(same.told).toEqual([]);

    answerAfterMs = 300;
    await server.query('select pg_stat_statements_reset()', 'shop');
    await sleepTimes(0.2);
    const slow = await watched(repository);
    expect(slow.outcome.text).toContain('slower than before the loss: ');
    const { slower } = slow.outcome.evidence.performance as { slower: { what: string }[] };
    expect(slower.map(({ what }) => what).toSorted()).toEqual([
      `api: ${health}`,
      expect.stringMatching(/^database: statement -?\d+$/),
    ]);
    expect(slow.told).toEqual([expect.stringContaining('slower than before the loss: ')]);
    // Comments of a statement are nobody else's business.
    expect(JSON.stringify([slow.told, slow.outcome])).not.toContain('pg_sleep');

    const shown = await own.run('services', '--compare');
    expect(shown.exitCode).toBe(0);
    expect(shown.records.find(({ type }) => type === 'performance')).toMatchObject({
      backups: 1,
      slower: expect.arrayContaining([expect.objectContaining({ statement, unit: 'ms' })]),
    });
  });

  it('ends in time, with what could be measured until then', async () => {
    answerAfterMs = 0;
    const missing: string[] = [];
    const [never, quick] = ['never', 'quick'].map((name) => ({
      name,
      platform: 'shell' as const,
      start: ['true'],
      stop: ['true'],
      isRunning: ['true'],
      health: `http://127.0.0.1:${port}/${name}`,
    }));
    const platforms = createPlatforms({ environment: process.env });
    const measured = await measureServices({
      services: [never, quick] as NonNullable<typeof quick>[],
      platformOf: (service) => platforms.of(service),
      servers: {},
      surroundings: { environment: {}, secret: async () => expect.fail('no secret is needed') },
      limitMs: 500,
      onMissing: (what, why) => missing.push(`${what}: ${why}`),
    });
    expect(measured.answersMs).toEqual({
      never: {},
      quick: { [`GET http://127.0.0.1:${port}/quick`]: expect.any(Number) },
    });
    expect(missing).toEqual([
      `answers of never to GET http://127.0.0.1:${port}/never: not measured within 500 ms`,
    ]);
  });
});
