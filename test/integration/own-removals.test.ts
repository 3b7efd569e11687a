// Lifeboat drops databases itself: those that it had brought beside, when a run is given up, and those that it replaced, when it lets go of them.
// In the log these look like losses. They are told apart by what was written down before, never by a name.
import { tmpdir } from 'node:os';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { deliverDatabases } from '../../src/recovery/ground/server/deliver-databases.ts';
import { ServerGround } from '../../src/recovery/ground/server/server-ground.ts';
import { sealEntry } from '../../src/recovery/run/run-entry.ts';
import { LocalLocation, openRepository } from '../../src/repository/index.ts';
import { findClientPrograms, parseConnectionUrl } from '../../src/sources/index.ts';
import { untilRecord } from '../support/command-line.ts';
import {
  ended,
  type Installation,
  installation,
  installationPassword,
} from '../support/installation.ts';
import { startPostgres, type TestServer } from '../support/postgres.ts';
import { serversUnderTest } from '../support/servers.ts';
import { need } from '../support/skip.ts';
import { untilFlushed } from '../support/until-flushed.ts';

const [subject] = serversUnderTest(15);
const bin = subject?.hasTools ? subject.bin : undefined;
const major = subject?.major ?? 15;
let server: TestServer;
let place: Installation;

beforeAll(async () => {
  if (!bin) return;
  server = await startPostgres({ bin, major });
  await server.query('create database shop');
  await server.query('create table orders as select generate_series(1, 500) as id', 'shop');
  place = await installation({ connection: server.url('shop'), programs: bin });
});
afterAll(async () => {
  await place?.[Symbol.asyncDispose]();
  await server?.[Symbol.asyncDispose]();
});

/** Lets `serve` bring what was written to the repository. */
async function bringLog(first: string) {
  const service = place.spawn('serve');
  await untilRecord(service, ({ type }) => type === first);
  await untilFlushed(server);
  await ended(service, 'SIGTERM');
}

it('are no suspects; one that only has such a name is', async (context) => {
  const programs = await findClientPrograms(major, {
    configuredFolder: need(context, bin, 'no whole PostgreSQL 15'),
  });
  await bringLog('backup');
  const connection = parseConnectionUrl(server.url('postgres'));
  const ground = new ServerGround({ connection, scratchFolder: tmpdir() });
  const delivery = deliverDatabases({ connection, programs, databases: ['shop'] });
  const location = new LocalLocation(place.repositoryFolder);
  await using repository = await openRepository({ location, password: installationPassword });
  /** As the journal of a run keeps it. */
  const during = (run: string) => ({
    async willRemove(removal: object) {
      const at = { time: new Date().toISOString(), actor: 'alice', host: 'here', previous: '' };
      const body = { type: 'removes', ...removal } as Parameters<typeof sealEntry>[0]['body'];
      const entry = sealEntry({ run, sequence: 1, epoch: 1, ...at, body });
      await repository.records.append({ kind: 'run', source: '', body: { type: 'entry', entry } });
    },
  });

  // 1. One is given up, one carried out and let go of; somebody else makes a database of such a name, and drops it.
  for (const token of ['a1', 'b2']) await ground.fill(token, delivery);
  await ground.discard('a1', during('a1'));
  await ground.swap('b2');
  await ground.settle('b2', during('b2'));
  await server.query('create database shop_former_b2');
  await server.query('drop database shop_former_b2');
  await bringLog('catalog');

  const found = await place.run('find-loss', 'database');
  const drops = found.records.filter(({ kind }) => kind === 'drop-database');
  expect(drops.map(({ own, severity }) => ({ own, severity }))).toEqual([
    { own: undefined, severity: 'critical' },
    { own: { run: 'b2' }, severity: 'low' },
    { own: { run: 'a1' }, severity: 'low' },
  ]);

  // 2. The next recovery begins with what it finds.
  const { records } = await place.run('assess', 'database');
  const report = records.find(({ type }) => type === 'damage-report') as unknown as {
    sources: readonly [{ suspects: { found: { suspects: readonly object[]; own: unknown } } }];
  };
  const { suspects, own } = report.sources[0].suspects.found;
  const [other, ...ours] = drops.map(({ commitLsn }) => commitLsn);
  expect(own).toEqual(ours);
  expect(suspects).toEqual([expect.objectContaining({ commitLsn: other })]);
});
