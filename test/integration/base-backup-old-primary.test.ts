// A primary that was replaced and came back is no server to take a base backup of.
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ProgressEvent } from '../../src/core/index.ts';
import { type BackupPostgresOptions, backupPostgres } from '../../src/sources/index.ts';
import { parseConnectionUrl } from '../../src/sources/postgres/connection-url.ts';
import { parseSegmentName, timelineStream } from '../../src/wal/index.ts';
import { type LocalRepository, localRepository } from '../support/local-repository.ts';
import { startPostgres, type TestServer } from '../support/postgres.ts';
import { serversUnderTest } from '../support/servers.ts';

const source = 'shop';
const settings = { wal_keep_size: '1GB' };

describe.each(serversUnderTest(18))('base backups after a failover of $name', (tested) => {
  let old: TestServer;
  let present: TestServer;
  let stored: LocalRepository;
  const isHere = tested.bin !== undefined && tested.hasTools;

  beforeAll(async () => {
    if (!isHere) return;
    const bin = tested.bin as string;
    old = await startPostgres({ bin, major: tested.major, settings });
    present = await startPostgres({ bin, major: tested.major, settings, standbyOf: old });
    stored = await localRepository();
    await backup(old);
    await old.kill();
    await present.query('select pg_promote()');
    await present.query('create table after_the_switch as select 1 as one');
    await old.start();
    await old.query('create table split_brain as select 1 as one');
  });
  afterAll(async () => {
    await old?.[Symbol.asyncDispose]();
    await present?.[Symbol.asyncDispose]();
    await stored?.[Symbol.asyncDispose]();
  });

  const events: ProgressEvent[] = [];
  const backup = (server: TestServer, options: Partial<BackupPostgresOptions> = {}) => {
    events.length = 0;
    return backupPostgres({
      settings: parseConnectionUrl(server.url()),
      source,
      repository: stored.repository,
      countBudgetMs: 0,
      progress: (event) => events.push(event),
      ...options,
    });
  };
  const expectRefused = async (options: Partial<BackupPostgresOptions> = {}) => {
    const before = await stored.repository.snapshots();
    await expect(backup(old, options)).rejects.toMatchObject({
      code: 'postgres.old-primary',
      message: expect.stringMatching(/timeline 1, which the cluster left at \S+ for timeline 2/),
      hint: expect.stringContaining('present primary'),
    });
    // Not a byte was read.
    expect(events.filter(({ type }) => type === 'progress')).toEqual([]);
    expect(await stored.repository.snapshots()).toEqual(before);
  };

  it('the log alone knows of the switch', async (context) => {
    if (!isHere) return context.skip(`no ${tested.name} with tools`);
    const { rows } = await present.query('select pg_walfile_name(pg_current_wal_lsn()) as name');
    await present.query('select pg_switch_wal()');
    const segment = parseSegmentName(rows[0].name, 16 * 2 ** 20);
    const log = stored.repository.log(source);
    const wal = (name: string) => readFileSync(join(present.dataFolder, 'pg_wal', name));
    await log.appendFile('00000002.history', wal('00000002.history'));
    await log.appendSegment(timelineStream(2), segment?.start ?? 0n, wal(rows[0].name));
    await expectRefused();
    await expectRefused({ local: old.dataFolder });
  });

  it('of several servers the present primary is taken', async (context) => {
    if (!isHere) return context.skip(`no ${tested.name} with tools`);
    const { host, port } = parseConnectionUrl(present.url());
    const both = { ...parseConnectionUrl(old.url()), otherHosts: [{ host, port }] };
    const { info } = await backup(old, { settings: both });
    expect(info.timeline).toBe(2);
    expect(events).toContainEqual({
      type: 'warning',
      message: expect.stringMatching(`:${old.port} is passed over: .*it was replaced`),
    });
  });

  it('the newest backup alone knows of the switch', async (context) => {
    if (!isHere) return context.skip(`no ${tested.name} with tools`);
    await using alone = await localRepository();
    const { repository } = alone;
    await backup(present, { repository });
    await expect(backup(old, { repository })).rejects.toMatchObject({
      code: 'postgres.old-primary',
    });
    expect(await repository.snapshots()).toHaveLength(1);

    // As a standby it may still come after.
    await old.stop();
    writeFileSync(join(old.dataFolder, 'standby.signal'), '');
    await old.start();
    await expect(backup(old)).rejects.toMatchObject({
      code: 'postgres.standby-behind',
      retryable: true,
    });
    rmSync(join(old.dataFolder, 'standby.signal'), { force: true });
  });
});
