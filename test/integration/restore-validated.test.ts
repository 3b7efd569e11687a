// A restored database is checked before it is handed over; nothing of the checks stays in it.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { untilRecord } from '../support/command-line.ts';
import { ended, type Installation, installation } from '../support/installation.ts';
import { startPostgres, type TestServer } from '../support/postgres.ts';
import { startStock } from '../support/restored-server.ts';
import { serversUnderTest } from '../support/servers.ts';
import { untilFlushed } from '../support/until-flushed.ts';

interface FoundCheck {
  readonly check: string;
  readonly verdict: string;
  readonly problems: readonly { readonly object: string; readonly problem: string }[];
  readonly notChecked: readonly { readonly what: string; readonly why: string }[];
}
interface Found {
  readonly level: string;
  readonly verdict: string;
  readonly checks: readonly FoundCheck[];
}

/** What checks might leave behind. */
const leftoversSql = `select (select string_agg(rolname, ' ' order by 1) from pg_roles where rolname !~ '^pg_') as roles,
  (select string_agg(extname, ' ' order by 1) from pg_extension) as extensions,
  (select string_agg(nspname, ' ' order by 1) from pg_namespace where nspname !~ '^pg_') as schemas`;
const own = (sql: string, rules: string) =>
  `, checks: [{ name: enough notes, sql: "${sql}", ${rules} }]`;

describe.each(serversUnderTest(18))('a restore of $name is validated', (tested) => {
  const { bin, major } = tested;
  let server: TestServer;
  let place: Installation;

  beforeAll(async () => {
    if (!bin) return;
    server = await startPostgres({ bin, major, initdb: ['--wal-segsize=1'] });
    place = await installation({ connection: server.url(), programs: bin });
    await server.query('create table ledger (id serial primary key, note text)');
    await server.query(`insert into ledger (note) select 'note' from generate_series(1, 200)`);
    await server.query('create table pairs (a int, b int)');
    await server.query('insert into pairs values (1, 1), (1, 2)');
    const service = place.spawn('serve');
    await untilRecord(service, ({ type }) => type === 'backup');
    await server.query(`insert into ledger (note) values ('later')`);
    await server.query(`select pg_create_restore_point('sound')`);
    // Fails half-way, and leaves an index that nobody may use.
    await server.query('create unique index concurrently pairs_a on pairs (a)').catch(() => {});
    await server.query(`select pg_create_restore_point('broken')`);
    // A restore point alone is not flushed.
    await server.query('checkpoint');
    await untilFlushed(server);
    expect(await ended(service, 'SIGTERM')).toBe(0);
  });
  afterAll(async () => {
    await place?.[Symbol.asyncDispose]();
    await server?.[Symbol.asyncDispose]();
  });

  const restore = async (name: string, point: string, ...more: string[]) => {
    const to = join(place.folder, name);
    const done = await place.run('restore', '--to', to, '--name', point, ...more);
    const record = done.records.at(-1) as { validation: Found };
    return { ...done, to, validation: record.validation };
  };
  const verdictsOf = ({ checks }: Found) =>
    Object.fromEntries(checks.map(({ check, verdict }) => [check, verdict]));
  const expectUntouched = async (folder: string) => {
    await using stock = await startStock(bin as string, folder, { archive_mode: 'off' });
    expect((await stock.query(leftoversSql)).rows).toEqual((await server.query(leftoversSql)).rows);
    expect((await stock.query('select count(*)::int as n from ledger')).rows).toEqual([{ n: 201 }]);
  };

  it('quickly, unless told otherwise', async (context) => {
    if (!bin) return context.skip(`no ${tested.name}`);
    place.configure({ sourceOptions: own('select count(*) from ledger', 'atLeast: 201') });
    const { exitCode, stdout, validation, to } = await restore('quick', 'sound');
    expect(exitCode, stdout).toBe(0);
    expect(validation).toMatchObject({ level: 'quick', verdict: 'passed' });
    expect(verdictsOf(validation)).toEqual({
      consistency: 'passed',
      'extension-libraries': 'passed',
      'indexes-valid': 'passed',
      'tables-counted': 'passed',
      'rows-accounted': 'passed',
      // 13 has no role that may only read.
      'your-checks': major >= 14 ? 'passed' : 'not-checked',
    });
    await expectUntouched(to);
  });

  it('in full, with what is installed', async (context) => {
    if (!bin) return context.skip(`no ${tested.name}`);
    const { exitCode, stdout, validation, to } = await restore(
      'full',
      'sound',
      '--validate',
      'full',
    );
    expect(exitCode, stdout).toBe(0);
    expect(validation).toMatchObject({ level: 'full', verdict: 'passed' });
    const verdicts = verdictsOf(validation);
    expect(verdicts).toMatchObject({ 'rows-accounted': 'passed', 'row-counts': 'passed' });
    expect(verdicts['tables-read']).toBe('passed');
    const index = validation.checks.find(({ check }) => check === 'index-structure');
    expect(index?.notChecked.map(({ why }) => why).join()).toMatch(
      /none is made in a cluster that you keep|not installed/,
    );
    await expectUntouched(to);
  });

  it('what does not hold is named, and the folder stays', async (context) => {
    if (!bin) return context.skip(`no ${tested.name}`);
    place.configure({ sourceOptions: own('select count(*) from ledger', 'atLeast: 1000') });
    const { exitCode, validation, to } = await restore('unsound', 'broken');
    expect(exitCode).toBe(3);
    expect(validation.verdict).toBe('failed');
    const failed = validation.checks.flatMap(({ problems }) => problems);
    expect(failed.map(({ object }) => object)).toEqual([
      'postgres.public.pairs_a',
      ...(major >= 14 ? ['enough notes'] : []),
    ]);
    await expectUntouched(to);
  });

  it('not at all, and only as is known', async (context) => {
    if (!bin) return context.skip(`no ${tested.name}`);
    const { exitCode, validation } = await restore('none', 'broken', '--validate', 'none');
    expect(exitCode).toBe(0);
    expect(validation).toEqual({ level: 'none' });
    const wrong = await restore('wrong', 'sound', '--validate', 'somewhat');
    expect(wrong.exitCode).toBe(2);
    expect(existsSync(wrong.to)).toBe(false);
  });

  it('cancelled, the restore is whole all the same', async (context) => {
    if (!bin || major < 14) return context.skip(`no ${tested.name} with a role that may only read`);
    place.configure({ sourceOptions: own('select 1 from pg_sleep(600)', 'atLeast: 1') });
    const to = join(place.folder, 'cancelled');
    const child = place.spawn('restore', '--to', to, '--name', 'sound');
    const told = untilRecord(child, ({ type }) => type === 'restore');
    await untilRecord(child, ({ type, task }) => type === 'task-begin' && task === 'validate');
    expect(await ended(child, 'SIGINT')).toBe(130);
    expect(await told).toMatchObject({
      validation: { verdict: 'not-checked', error: { code: 'cancelled' } },
    });
    await expectUntouched(to);
  });

  it('in place too', async (context) => {
    if (!bin) return context.skip(`no ${tested.name}`);
    place.configure({});
    const expected = (await server.query(leftoversSql)).rows;
    await server.stop();
    const done = await place.run(
      ...(['restore', '--to', server.dataFolder, '--in-place', '--name', 'broken'] as const),
      ...['--skip-safety-snapshot', '--yes', 'database'],
    );
    expect(done.exitCode, done.stdout).toBe(3);
    expect(done.records.at(-1)).toMatchObject({
      type: 'restore',
      validation: { level: 'quick', verdict: 'failed' },
    });
    await server.start();
    expect((await server.query(leftoversSql)).rows).toEqual(expected);
  });
});
