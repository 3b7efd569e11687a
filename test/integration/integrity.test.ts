import { chmodSync, rmSync } from 'node:fs';
import pg from 'pg';
import { describe, expect, it } from 'vitest';
import type { StoredIntegrityReport } from '../../src/recovery/index.ts';
import { untilRecord } from '../support/command-line.ts';
import { type Damage, damages, makeShop } from '../support/damage.ts';
import { ended, installation } from '../support/installation.ts';
import { startPostgres, temporaryFolder } from '../support/postgres.ts';
import { serversUnderTest } from '../support/servers.ts';
import { need } from '../support/skip.ts';

const [flippedBit] = damages as readonly [Damage];

describe.each(serversUnderTest(15))('the live server on $name', ({ bin, major }) => {
  it('is checked; of a damaged page the newest intact snapshot is named', async (context) => {
    const programs = need(context, bin, `no PostgreSQL ${major}`);
    const folder = temporaryFolder('library');
    chmodSync(folder, 0o755);
    await using server = await startPostgres({ bin: programs, major });
    await makeShop(server, folder);
    await server.query(
      'create role watcher login; grant usage on schema public to watcher',
      'shop',
    );
    const connection = server.url('shop');
    await using place = await installation({
      connection,
      programs,
      sourceOptions: `, checks: [ { name: customers, sql: select count(*) from customers, atLeast: 1 } ]`,
      options: 'integrity: { schedule: "* * * * * *", rate: 1 GiB }\n',
    });
    const backup = async () => {
      const { records } = await place.run('backup');
      return records.find(({ type }) => type === 'backup')?.snapshot as string;
    };
    const check = async () => {
      const { exitCode, records } = await place.run('integrity', '--rate', '1 GiB');
      const report = records.find(({ type }) => type === 'integrity');
      return { exitCode, report: report as unknown as StoredIntegrityReport };
    };
    const intact = await backup();

    const sound = await check();
    expect(sound.report.checks.flatMap(({ problems }) => problems)).toEqual([]);
    expect(sound).toMatchObject({ exitCode: 0, report: { verdict: 'passed' } });
    const of = ({ report }: { report: StoredIntegrityReport }, name: string) =>
      report.checks.find((each) => each.check === name);
    expect(of(sound, 'page-checksums')?.objects).toBeGreaterThan(100);
    expect(of(sound, 'your-checks')).toMatchObject({ objects: 1, verdict: 'passed' });
    // Nothing is added to a live server: the user is told how.
    expect(of(sound, 'index-structure')).toMatchObject({
      verdict: 'not-checked',
      notChecked: [{ why: expect.any(String) }, { why: expect.any(String) }],
    });
    const added = await server.query(
      'select from pg_extension where extname <> $$plpgsql$$',
      'shop',
    );
    expect(added.rowCount).toBe(0);

    // Somebody's lock is waited for a moment, not for ever, and what it hides is named.
    const locker = new pg.Client({ connectionString: server.url('shop') });
    await locker.connect();
    await locker.query('begin; lock table events in access exclusive mode');
    const locked = await check();
    await locker.end();
    expect(locked.exitCode).toBe(0);
    expect(of(locked, 'tables-read')?.notChecked).toEqual([
      { what: 'shop.public.events', why: expect.stringMatching(/lock timeout/) },
    ]);
    expect(of(locked, 'foreign-keys')).toMatchObject({ objects: 1 });

    await flippedBit.inject(server, folder);
    const damaged = await backup();
    const service = place.spawn('serve');
    const failed = await untilRecord(service, ({ type }) => type === 'integrity-failed');
    expect(failed.checks).toContainEqual(
      expect.objectContaining({
        check: 'page-checksums',
        problems: [
          {
            object: 'shop.public.sheets',
            problem: expect.stringMatching(flippedBit.problem),
          },
        ],
      }),
    );
    expect(failed.corruption).toEqual([
      {
        object: 'shop.public.sheets',
        path: expect.stringMatching(/^base\//),
        block: 1,
        intact: { snapshot: intact, time: expect.any(String) },
        damaged: { snapshot: damaged, time: expect.any(String) },
      },
    ]);
    await ended(service, 'SIGTERM');
    const status = await place.run('status');
    expect(status).toMatchObject({
      exitCode: 1,
      records: [{ integrity: { verdict: 'failed' } }, {}, {}],
    });

    // A role that may do little is told what it was not allowed to look at.
    place.configure({ connection: connection.replace('postgres@', 'watcher@') });
    const little = await check();
    expect(of(little, 'page-checksums')).toMatchObject({
      verdict: 'not-checked',
      notChecked: [{ why: expect.stringMatching(/GRANT EXECUTE ON FUNCTION/) }, {}],
    });
    rmSync(folder, { recursive: true, force: true });
  });
});
