// Lifeboat drops databases itself: those that it had brought beside, when a run is given up, and those that it replaced, when it lets go of them.
// In the log these look like losses. They are told apart by what was written down before, never by a name.
import { afterAll, beforeAll, expect, it } from 'vitest';
import { untilRecord } from '../support/command-line.ts';
import { ended, type Installation, installation } from '../support/installation.ts';
import { startPostgres, type TestServer } from '../support/postgres.ts';
import { serversUnderTest } from '../support/servers.ts';
import { need } from '../support/skip.ts';
import { untilFlushed } from '../support/until-flushed.ts';

const [subject] = serversUnderTest(15);
const bin = subject?.hasTools ? subject.bin : undefined;
let server: TestServer;
let place: Installation;

beforeAll(async () => {
  if (!bin) return;
  server = await startPostgres({ bin, major: subject?.major ?? 15 });
  await server.query('create database shop');
  await server.query(
    'create table orders as select i as id from generate_series(1, 500) i',
    'shop',
  );
  place = await installation({
    connection: server.url('shop'),
    programs: bin,
    sourceOptions: `, ground: { kind: server, connection: "${server.url('postgres')}" }`,
    options: 'recovery: { watch: 1s, keepFormer: 1h }\n',
  });
});
afterAll(async () => {
  await place?.[Symbol.asyncDispose]();
  await server?.[Symbol.asyncDispose]();
});

const count = async () =>
  (await server.query('select count(*)::int as n from orders', 'shop')).rows[0]?.n;
const yes = ['freeze', 'database', 'postgres'].flatMap((each) => ['--yes', each]);

/** Lets `serve` bring what was written to the repository. */
async function bringLog(first: string) {
  const service = place.spawn('serve');
  await untilRecord(service, ({ type }) => type === first);
  await untilFlushed(server);
  await ended(service, 'SIGTERM');
}

async function dropsFound() {
  const { records } = await place.run('find-loss', 'database');
  return records.filter(({ kind }) => kind === 'drop-database');
}

it('are no suspects; one that only has such a name is', async (context) => {
  need(context, bin, 'no whole PostgreSQL 15');
  await bringLog('backup');
  await new Promise((resolve) => setTimeout(resolve, 1100));
  const { rows } = await server.query('select now() as moment');
  const wasWell = (rows[0].moment as Date).toISOString();
  await new Promise((resolve) => setTimeout(resolve, 1100));
  await server.query('update orders set id = -id', 'shop');
  await bringLog('catalog');
  const recover = async (...more: string[]) =>
    await place.run('recover', 'database', '--at', wasWell, '--type', 'failed-migration', ...more);

  // 1. Given up when it was brought beside; then carried out, and let go of.
  const paused = await recover('--yes', 'freeze');
  expect(paused.exitCode, paused.stdout + paused.stderr).toBe(3);
  const given = String(paused.records.find(({ type }) => type === 'run-opened')?.run);
  const aborted = await place.run('recover', '--abort', given, '--reason', 'wrong', ...yes);
  expect(aborted.exitCode, aborted.stdout + aborted.stderr).toBe(0);
  const done = await recover(...yes);
  expect(done.exitCode, done.stdout + done.stderr).toBe(0);
  const run = String(done.records.find(({ type }) => type === 'run-recovered')?.run);
  const end = await place.run('recover', '--resume', run, '--let-go', ...yes);
  expect(end.exitCode, end.stdout + end.stderr).toBe(0);
  expect(await count()).toBe(500);

  // 2. Somebody makes a database of that name, and drops it.
  await server.query(`create database shop_former_${run}`);
  await bringLog('catalog');
  await server.query(`drop database shop_former_${run}`);
  await bringLog('catalog');
  const drops = await dropsFound();
  expect(drops.map(({ own, severity }) => ({ own, severity }))).toEqual([
    { own: undefined, severity: 'critical' },
    { own: { run }, severity: 'low' },
    { own: { run: given }, severity: 'low' },
  ]);
  const { records } = await place.run('assess', 'database');
  const report = records.find(({ type }) => type === 'damage-report') as {
    sources: readonly [
      { suspects: { found: { suspects: readonly object[]; own: readonly string[] } } },
    ];
  };
  const { suspects, own } = report.sources[0].suspects.found;
  expect(suspects.filter((each) => 'kind' in each && each.kind === 'drop-database')).toHaveLength(
    1,
  );
  expect(own).toEqual(drops.slice(1).map(({ commitLsn }) => commitLsn));
});
