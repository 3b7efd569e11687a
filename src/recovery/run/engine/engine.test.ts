import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  startPostgres,
  type TestServer,
  temporaryFolder,
} from '../../../../test/support/postgres.ts';
import { embeddedPostgresBin } from '../../../../test/support/programs.ts';
import { parseConnectionUrl } from '../../../sources/index.ts';
import { thisProcess } from '../holder.ts';
import { testEngine } from './engine-contract.ts';
import { openPostgresEngine } from './postgres-engine.ts';
import { openSqliteEngine } from './sqlite-engine.ts';

testEngine('node:sqlite', async () => {
  const folder = temporaryFolder('engine');
  return {
    open: () => openSqliteEngine(join(folder, 'state', 'runs.db')),
    async [Symbol.asyncDispose]() {
      rmSync(folder, { recursive: true, force: true });
    },
  };
});

describe('with a server', () => {
  let server: TestServer;
  let databases = 0;
  beforeAll(async () => {
    server = await startPostgres({ bin: embeddedPostgresBin(), major: 18 });
  });
  afterAll(() => server?.[Symbol.asyncDispose]());

  const newDatabase = async () => {
    const name = `state${++databases}`;
    await server.query(`create database ${name}`);
    return parseConnectionUrl(server.url(name), undefined);
  };

  testEngine('PostgreSQL', async () => {
    const settings = await newDatabase();
    return { open: () => openPostgresEngine(settings), async [Symbol.asyncDispose]() {} };
  });

  it('goes on after its connection was ended', async () => {
    await using engine = await openPostgresEngine(await newDatabase());
    const holder = thisProcess('alice');
    await engine.take({ run: 'a', epoch: 1, holder, targets: ['t'], isForced: false });
    await server.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'lifeboat runs'`,
    );
    expect(await engine.renew('a', 1)).toBe(true);
  });

  it('says that the server is gone', async () => {
    await using engine = await openPostgresEngine(await newDatabase());
    await server.stop();
    await expect(engine.renew('a', 1)).rejects.toMatchObject({
      code: expect.stringMatching(/^postgres\.(unreachable|connection-lost)$/),
    });
    await server.start();
    expect(await engine.renew('a', 1)).toBe(false);
  });
});

describe('a file that is none of ours', () => {
  it('is told of, and left alone', async () => {
    const folder = temporaryFolder('engine');
    const file = join(folder, 'runs.db');
    writeFileSync(file, 'something else'.repeat(200));
    await expect(openSqliteEngine(file)).rejects.toMatchObject({ code: 'file.unreadable' });
    rmSync(folder, { recursive: true });
  });
});
