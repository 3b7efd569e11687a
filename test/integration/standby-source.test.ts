import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { liveEnd } from '../../src/recovery/prove/measure-loss.ts';
import { type PostgresSource, parseConnectionUrl } from '../../src/sources/index.ts';
import { untilRecord } from '../support/command-line.ts';
import { ended, installation } from '../support/installation.ts';
import { startPostgres } from '../support/postgres.ts';
import { startStock } from '../support/restored-server.ts';
import { serversUnderTest } from '../support/servers.ts';
import { need } from '../support/skip.ts';
import { startStandby } from '../support/standby.ts';

// Goal: a standby is a source as a primary is: examined, backed up, its log streamed through a slot of its own, restored.

describe.each(serversUnderTest(18))('a standby of $name as source', ({ major, bin }) => {
  it('is examined, backed up, streamed from and restored', async (context) => {
    const programs = need(context, bin, `no PostgreSQL ${major}`);
    await using primary = await startPostgres({ bin: programs, major });
    await primary.query('create table ledger (note text)');
    await using standby = await startStandby(primary);
    await using place = await installation({ connection: standby.url(), programs });

    const doctor = await place.run('doctor');
    expect(doctor.exitCode, doctor.stdout).toBe(0);
    const finding = (check: string) => doctor.records.find((each) => each.check === check);
    expect(finding('standby')).toMatchObject({ outcome: 'ok' });
    const feedback = finding('hot_standby_feedback');
    expect(feedback).toMatchObject({ outcome: 'warning' });
    expect(finding('full_page_writes')).toMatchObject({ outcome: 'ok' });
    expect(finding('rescue role')).toMatchObject({ outcome: 'warning' });
    expect(String(feedback?.remedy)).toContain('ALTER SYSTEM SET hot_standby_feedback = on;');
    await standby.query('alter system set hot_standby_feedback = on');
    await standby.query('select pg_reload_conf()');
    await expect
      .poll(async () => (await standby.query('show hot_standby_feedback')).rows[0])
      .toEqual({ hot_standby_feedback: 'on' });
    const again = await place.run('doctor');
    const about = (check: string) => again.records.find((each) => each.check === check);
    expect(about('hot_standby_feedback')).toBeUndefined();

    const service = place.spawn('serve');
    // A standby begins a backup at a restart point, which needs a checkpoint of the primary.
    await untilRecord(service, ({ type }) => type === 'backup');
    await primary.query(`insert into ledger values ('after the backup')`);
    const { rows } = await primary.query('select pg_current_wal_flush_lsn()::text as lsn');
    await expect
      .poll(
        async () => {
          const found = await standby.query(
            `select count(*)::int as n from pg_stat_replication where flush_lsn >= '${rows[0].lsn}'`,
          );
          return found.rows[0].n;
        },
        { timeout: 120_000 },
      )
      .toBe(1);
    expect(await ended(service, 'SIGTERM')).toBe(0);
    // What is not yet on a standby could be lost all the same.
    const endBy = (url: string) =>
      liveEnd({ settings: { connection: parseConnectionUrl(url) } } as PostgresSource, undefined);
    expect(await endBy(standby.url())).toBeUndefined();
    const both = `postgres://postgres@127.0.0.1:${standby.port},127.0.0.1:${primary.port}/postgres?sslmode=disable`;
    expect(await endBy(both)).toMatchObject({ timeline: 1 });
    const slots = await standby.query('select slot_name, wal_status from pg_replication_slots');
    expect(slots.rows).toEqual([{ slot_name: 'lifeboat_database', wal_status: 'reserved' }]);
    expect((await primary.query('select from pg_replication_slots')).rowCount).toBe(0);

    const folder = join(place.folder, 'restored');
    const restored = await place.run('restore', '--to', folder);
    expect(restored.exitCode, restored.stdout).toBe(0);
    await using copy = await startStock(programs, folder);
    expect((await copy.query('select note from ledger')).rows).toEqual([
      { note: 'after the backup' },
    ]);
    rmSync(folder, { recursive: true });
  });
});
