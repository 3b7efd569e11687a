// What `assess` says of real damage to a real PostgreSQL, by the real command line: what is lost, what did it, what can be recovered to.
// Nothing that is out of reach keeps it from the rest.
import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DamageReport, Part, PostgresDamage } from '../../src/recovery/index.ts';
import { untilRecord } from '../support/command-line.ts';
import { ended, type Installation, installation } from '../support/installation.ts';
import { startPostgres, type TestServer } from '../support/postgres.ts';
import { serversUnderTest } from '../support/servers.ts';
import { need } from '../support/skip.ts';
import { untilFlushed } from '../support/until-flushed.ts';

const missing = 'no server programs of this version';
/** As hostile as PostgreSQL lets a name be. */
const hostile = `x"; drop table t; --\n$1 '\u001b[2J %s`;
const quoted = `"${hostile.replaceAll('"', '""')}"`;

describe.each(serversUnderTest(15, 18))('the damage report, $name', ({ bin, major, hasTools }) => {
  let server: TestServer;
  let own: Installation;

  beforeAll(async () => {
    if (!bin) return;
    server = await startPostgres({
      bin,
      major,
      settings: hasTools ? { shared_preload_libraries: 'pg_stat_statements' } : {},
    });
    await server.query('create database shop');
    await server.query(
      `create table orders as select i as id, now() as placed_at from generate_series(1, 3000) i;
       create table audit as select i as id, md5(i::text) as what from generate_series(1, 5000) i;
       create table gone as select generate_series(1, 40) as id;
       create table prices as select i as id, 1 as price from generate_series(1, 2000) i;
       create table ${quoted} as select generate_series(1, 20) as id;
       create role watcher login;
       create role reader login; grant select on orders to reader`,
      'shop',
    );
    if (hasTools) await server.query('create extension pg_stat_statements', 'shop');
    own = await installation({ connection: server.url('shop'), programs: bin });
    const service = own.spawn('serve');
    await untilRecord(service, ({ type }) => type === 'backup');
    await untilFlushed(server);
    await ended(service, 'SIGTERM');
  });

  afterAll(async () => {
    await own?.[Symbol.asyncDispose]();
    await server?.[Symbol.asyncDispose]();
  });

  async function assess(...args: string[]) {
    const { exitCode, records } = await own.run('assess', ...args);
    const report = records.find(({ type }) => type === 'damage-report') as unknown as DamageReport;
    const [source] = report.sources as readonly [PostgresDamage];
    return { exitCode, report, source };
  }

  function found<Found>(part: Part<Found> | undefined): Found {
    if (!part?.looked) throw new Error(`not looked at: ${part?.why}`);
    return part.found;
  }

  /** Lets `serve` bring what was written to the repository. */
  async function bringLog() {
    const service = own.spawn('serve');
    await untilRecord(service, ({ type }) => type === 'catalog');
    await untilFlushed(server);
    await ended(service, 'SIGTERM');
  }

  test('of a sound server has nothing to tell', async (context) => {
    need(context, bin, missing);
    const { exitCode, report, source } = await assess();
    expect(report.findings.filter(({ strength }) => strength !== 'weak')).toEqual([]);
    expect({ exitCode, verdict: report.verdict }).toEqual({
      exitCode: 0,
      verdict: 'nothing-found',
    });
    const tables = found(source.tables);
    expect(tables.counts).toMatchObject({ same: 5, missing: 0, emptied: 0, fewer: 0 });
    expect(tables.tables.find(({ table }) => table === hostile)).toMatchObject({
      change: 'same',
      before: { rows: 20 },
      now: { rows: 20 },
      expectedRows: 20,
    });
    expect(found(source.integrity).checks.map(({ verdict }) => verdict)).toEqual([
      'passed',
      'passed',
    ]);
    expect(found(source.server)).toMatchObject({ isOtherCluster: false, isReadOnly: false });
    expect(found(source.points).points[0]).toMatchObject({ kind: 'newest' });
    expect(found(source.replication).slots).toMatchObject([{ name: 'lifeboat_database' }]);
    expect(report.host.disks.looked && report.host.memory.looked).toBe(true);
  });

  test('names what an emptied, a dropped and an overwritten table lost, and who did it', async (context) => {
    need(context, bin, missing);
    await server.query('delete from orders', 'shop');
    await server.query('drop table gone', 'shop');
    await server.query('update prices set price = 0', 'shop');
    await server.query(`truncate ${quoted}`, 'shop');
    const writer = new pg.Client({ connectionString: server.url('shop') });
    await writer.connect();
    await writer.query(`begin; delete from audit`);
    await bringLog();
    const { exitCode, report, source } = await assess();
    await writer.query('rollback');
    await writer.end();
    expect({ exitCode, verdict: report.verdict }).toEqual({ exitCode: 3, verdict: 'damage-found' });
    const kinds = new Map(report.findings.map(({ kind, object }) => [`${kind} ${object}`, kind]));
    expect([...kinds.keys()]).toEqual(
      expect.arrayContaining([
        'drift shop.public.orders',
        'suspect shop.public.orders',
        'suspect shop.public.gone',
        'suspect shop.public.prices',
        `suspect shop.public.${hostile}`,
      ]),
    );
    expect(report.lossTypes[0]).toMatchObject({ type: 'accidental-deletion' });
    expect(found(source.sessions)).toMatchObject({
      writing: 1,
      sessions: [{ isDestructive: true, isWriting: true, query: 'begin; delete from audit' }],
    });
    if (hasTools) {
      const { statements } = found(source.statements);
      expect(statements.map(({ kind }) => kind)).toEqual(
        expect.arrayContaining(['delete', 'update', 'drop', 'truncate']),
      );
      const weak = report.findings.filter(({ kind }) => kind === 'destructive-statement');
      expect(weak.every(({ strength }) => strength === 'weak')).toBe(true);
    }
    const { points } = found(source.points);
    const suspects = found(source.suspects).suspects;
    expect(points.slice(0, suspects.length).map(({ kind, xid }) => ({ kind, xid }))).toEqual(
      suspects.map(({ xid }) => ({ kind: 'before-suspect', xid })),
    );
    const deleted = points.find(({ xid }) =>
      suspects.some((s) => s.xid === xid && s.kind === 'delete'),
    );
    expect(deleted?.loss).toMatchObject({ isAvoidable: true, durationMs: expect.any(Number) });
    const overwritten = points.find(({ xid }) =>
      suspects.some((s) => s.xid === xid && s.kind === 'mass-update'),
    );
    expect(overwritten?.loss.isAvoidable).toBeUndefined();
    // Against what was there before it: the table itself, too.
    const { source: earlier } = await assess('--since', suspects.at(-1)?.commitTime as string);
    expect(found(earlier.tables).counts).toMatchObject({ missing: 1, emptied: 2 });
  });

  test('of a role without rights says what it could not see, and tells the rest', async (context) => {
    need(context, bin, missing);
    own.configure({ connection: server.url('shop').replace('postgres@', 'watcher@') });
    const { exitCode, source } = await assess();
    own.configure({});
    expect(exitCode).toBe(3);
    expect(found(source.suspects).suspects.length).toBeGreaterThan(2);
    expect(found(source.server).version).toMatch(/^\d/);
    expect(found(source.tables).counts['not-read']).toBeGreaterThan(2);
    expect(source.integrity).toMatchObject({
      looked: true,
      gaps: expect.arrayContaining([expect.stringMatching(/may not read files/)]),
    });
  });

  test('of a cluster that was made anew says so, and what it lacks', async (context) => {
    await using other = await startPostgres({ bin: need(context, bin, missing), major });
    await other.query('create database shop');
    await other.query('create table audit (id int, what text)', 'shop');
    own.configure({ connection: other.url('shop') });
    const { exitCode, report, source } = await assess();
    own.configure({});
    expect(exitCode).toBe(3);
    expect(report.findings[0]).toMatchObject({ kind: 'other-cluster', severity: 'critical' });
    expect(found(source.tables).counts).toMatchObject({ emptied: 1, same: 0 });
    expect(found(source.tables).counts.missing).toBeGreaterThan(2);
    expect(found(source.points).points.length).toBeGreaterThan(1);
  });

  test('finds a page with a flipped bit', async (context) => {
    need(context, bin, missing);
    const { rows } = await server.query(`select pg_relation_filepath('audit') as path`, 'shop');
    await server.stop();
    flipBit(join(server.dataFolder, rows[0].path));
    await server.start();
    const { exitCode, report } = await assess();
    expect(exitCode).toBe(3);
    expect(report.findings[0]).toMatchObject({
      kind: 'damaged-page',
      severity: 'critical',
      object: 'shop.public.audit',
    });
    expect(report.lossTypes[0]).toMatchObject({ type: 'corruption' });
  });

  test('of a dead server tells what the repository knows', async (context) => {
    need(context, bin, missing);
    await server.kill();
    const { exitCode, report, source } = await assess('--within', '60s');
    expect(exitCode).toBe(3);
    expect(report.findings).toContainEqual(expect.objectContaining({ kind: 'server-down' }));
    expect(source.sessions).toMatchObject({ looked: false, code: 'postgres.unreachable' });
    expect(found(source.suspects).suspects.length).toBeGreaterThan(2);
    expect(found(source.points).points.length).toBeGreaterThan(2);
    const audit = found(source.tables).tables.find(({ table }) => table === 'audit');
    expect(audit).toMatchObject({ change: 'not-read', expectedRows: 5000 });
    expect(report.durationMs).toBeLessThan(60_000);
  });
});

function flipBit(file: string): void {
  const handle = openSync(file, 'r+');
  const byte = Buffer.alloc(1);
  readSync(handle, byte, 0, 1, 5000);
  writeSync(handle, Buffer.of((byte[0] as number) ^ 0x40), 0, 1, 5000);
  closeSync(handle);
}
