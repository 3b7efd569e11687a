import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { backupPostgres } from '../../src/sources/postgres/base-backup/backup-postgres.ts';
import type { ConnectionSettings } from '../../src/sources/postgres/connection-settings.ts';
import { parseConnectionUrl } from '../../src/sources/postgres/connection-url.ts';
import { examinePostgres } from '../../src/sources/postgres/doctor/examine-postgres.ts';
import { startAlteringProxy } from '../support/altering-proxy.ts';
import { untilRecord } from '../support/command-line.ts';
import { ended, type Installation, installation } from '../support/installation.ts';
import { localRepository } from '../support/local-repository.ts';
import { startPostgres, type TestServer } from '../support/postgres.ts';
import { startStock } from '../support/restored-server.ts';
import { serversUnderTest } from '../support/servers.ts';
import { need } from '../support/skip.ts';
import { untilFlushed } from '../support/until-flushed.ts';

// Goal: a server of a version that is not known, or another cluster under a name that is taken, is refused in words, and what is
// stored already stays as it was.

const versions = serversUnderTest(13);

describe.each(versions)('a version that is not known, beside $name', ({ major, bin }) => {
  it('is refused where data would be read, and a problem of doctor', async (context) => {
    const programs = need(context, bin, `no PostgreSQL ${major}`);
    // Flipping the last bit of its second digit makes 12 of 13, and 19 of 18.
    context.skip(major !== 13 && major !== 18, 'the version next to it is known');
    await using server = await startPostgres({ bin: programs, major });
    const { rows } = await server.query(`select current_setting('server_version_num') as version`);
    const claimed = major === 13 ? 12 : 19;
    const disguised = async <Result>(work: (settings: ConnectionSettings) => Promise<Result>) => {
      using proxy = await startAlteringProxy(server.port, String(rows[0].version).slice(1));
      return await work({ ...parseConnectionUrl(server.url()), port: proxy.port });
    };
    await using stored = await localRepository();
    const { repository } = stored;
    const backup = disguised((settings) =>
      backupPostgres({ settings, source: 'shop', repository }),
    );
    await expect(backup).rejects.toMatchObject({
      code: 'postgres.unsupported',
      message: expect.stringContaining(`PostgreSQL ${claimed}.`),
      hint: expect.stringContaining('13 to 18'),
    });
    expect(await repository.snapshots()).toEqual([]);
    const findings = await disguised((connection) =>
      examinePostgres({ connection, slot: 'lifeboat_shop', spoolFolder: stored.folder }),
    );
    expect(findings).toContainEqual(
      expect.objectContaining({ check: 'version', outcome: 'problem' }),
    );
  });
});

describe.each(serversUnderTest(18))(
  'another cluster under the same name, $name',
  ({ major, bin }) => {
    let server: TestServer;
    let other: TestServer;
    let place: Installation;

    beforeEach((context) => void need(context, bin, `no PostgreSQL ${major}`));
    beforeAll(async () => {
      if (!bin) return;
      server = await startPostgres({ bin, major });
      other = await startPostgres({ bin, major });
      place = await installation({ connection: server.url(), programs: bin });
    });
    afterAll(async () => {
      await place?.[Symbol.asyncDispose]();
      await other?.[Symbol.asyncDispose]();
      await server?.[Symbol.asyncDispose]();
    });

    it('is refused by all, and the first goes on', async () => {
      await server.query(`create table ledger (note text); insert into ledger values ('mine')`);
      await other.query(`create table ledger (note text); insert into ledger values ('theirs')`);
      const service = place.spawn('serve');
      await untilRecord(service, ({ type }) => type === 'backup');

      // Another host with the same configuration, but for the address of the server.
      await using stranger = await installation({
        connection: other.url(),
        programs: bin as string,
        location: place.repositoryFolder,
        withoutRepository: true,
      });
      const backup = await stranger.run('backup');
      expect(backup.exitCode, backup.stdout).toBe(1);
      expect(backup.records.at(-1)).toMatchObject({
        code: 'postgres.other-cluster',
        message: expect.stringMatching(/was cluster \d+ at the last backup/),
        hint: expect.stringContaining('another source name'),
      });
      const doctor = await stranger.run('doctor');
      expect(doctor.exitCode, doctor.stdout).toBe(1);
      expect(doctor.records).toContainEqual(
        expect.objectContaining({ check: 'cluster', outcome: 'problem' }),
      );
      const second = stranger.spawn('serve');
      const alarm = await untilRecord(
        second,
        ({ type, code }) => type === 'alarm' && code === 'postgres.other-cluster',
      );
      expect(alarm).toMatchObject({ source: 'database', hint: expect.any(String) });
      await untilRecord(
        second,
        ({ type, message }) => type === 'alarm' && String(message).includes('was cluster'),
      );
      expect(await ended(second, 'SIGTERM')).toBe(0);
      // What the stranger's tables are called, and how many rows they have, is not told of ours.
      const baseline = await place.run('baseline');
      const [{ oid }] = (await server.query(`select 'ledger'::regclass::oid::int as oid`)).rows;
      expect(baseline.records.filter(({ type }) => type === 'baseline-table')).toEqual([
        expect.objectContaining({ name: 'ledger', oid }),
      ]);
      expect((await other.query('select from pg_replication_slots')).rowCount).toBe(0);

      await server.query(`insert into ledger values ('after the stranger')`);
      await untilFlushed(server);
      expect(await ended(service, 'SIGTERM')).toBe(0);
      const folder = join(place.folder, 'restored');
      const restored = await place.run('restore', '--to', folder);
      expect(restored.exitCode, restored.stdout).toBe(0);
      await using copy = await startStock(bin as string, folder);
      expect((await copy.query('select note from ledger')).rows).toEqual([
        { note: 'mine' },
        { note: 'after the stranger' },
      ]);
    });
  },
);
