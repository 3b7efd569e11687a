import { randomBytes } from 'node:crypto';
import { appendFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Secret } from '../../src/core/index.ts';
import { initRepository, openLocation, openRepository } from '../../src/repository/index.ts';
import { backupFiles } from '../../src/sources/files/backup/index.ts';
import { type HttpFault, slowDown, startFaultyProxy } from '../support/faulty-http-proxy.ts';
import { temporaryFolder } from '../support/postgres.ts';
import { findProgram } from '../support/programs.ts';
import { startRestServer } from '../support/rest-server.ts';
import { s3Programs } from '../support/s3-server.ts';
import { need } from '../support/skip.ts';

// Goal: init, backups, forget, prune and check over a network on which every fifth request goes wrong in another way end as on
// a good one, and what is stored is whole.

const retry = { attempts: 6, firstPauseMs: 1, longestPauseMs: 5 };
const password = new Secret('x');
const effects: readonly Omit<HttpFault, 'nth'>[] = [
  { effect: 'answer', status: 500 },
  { effect: 'lost-answer' },
  slowDown,
  { effect: 'flip-request' },
  { effect: 'reset' },
  { effect: 'cut-answer' },
  { effect: 'cut-request' },
];
const every = 5;
let folder: string;

beforeEach(() => {
  folder = temporaryFolder('bad-network');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const servers = {
  async rest() {
    const program = findProgram('rest-server');
    if (program === undefined) return undefined;
    const server = await startRestServer(program);
    return { server, environment: {}, address: (url: string) => `rest:${url}/x/` };
  },
  async s3() {
    const minio = s3Programs.find(({ name }) => name === 'minio');
    if (minio?.path === undefined) return undefined;
    const server = await minio.start(minio.path);
    await server.createBucket('bad-network');
    const { environment } = server;
    return { server, environment, address: (url: string) => `s3:${url}/bad-network/x` };
  },
};

it.for(Object.keys(servers) as (keyof typeof servers)[])(
  '%s: everything a user does, while every fifth request goes wrong',
  async (name, context) => {
    const program = name === 's3' ? 'minio' : 'rest-server';
    const place = need(context, await servers[name](), `no ${program} on PATH`);
    await using server = place.server;
    await using proxy = await startFaultyProxy(server.url);
    const options = { environment: { ...process.env, ...place.environment }, retry };
    const open = () => openLocation(place.address(proxy.url), options);
    const faults = Array.from({ length: 60 }, (_, i) => {
      return { ...(effects[i % effects.length] as (typeof effects)[number]), nth: (i + 1) * every };
    });
    proxy.inject(...faults);

    const tree = join(folder, 'tree');
    mkdirSync(join(tree, 'inner'), { recursive: true });
    for (let i = 0; i < 8; i++) {
      writeFileSync(join(tree, i % 2 ? 'inner' : '.', `${i}`), randomBytes(1_500_000));
    }
    const backup = async () => {
      await using repository = await openRepository({ location: open(), password });
      return await backupFiles({ repository, source: 'tree', paths: [tree] });
    };
    {
      await using _ = await initRepository({ location: open(), password });
    }
    const first = await backup();
    rmSync(join(tree, '0'));
    appendFileSync(join(tree, '2'), 'more');
    await backup();
    {
      await using repository = await openRepository({ location: open(), password });
      await repository.forget({ ids: [first.snapshot] });
      await repository.prune({ keepMarkedMs: 0, maxUnused: { bytes: 0 } });
      const report = await repository.check({ readData: true });
      expect(report.findings.filter(({ severity }) => severity === 'error')).toEqual([]);
    }
    expect(proxy.seen.length).toBeGreaterThan(60);

    // The same, seen without the bad network.
    proxy.inject();
    const location = openLocation(place.address(server.url), options);
    await using repository = await openRepository({ location, password });
    expect(await repository.snapshots()).toHaveLength(1);
    const report = await repository.check({ readData: true });
    expect(report.findings.filter(({ severity }) => severity === 'error')).toEqual([]);
    expect(await location.list('locks')).toEqual([]);
  },
);
