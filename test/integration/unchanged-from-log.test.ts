import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { backupPostgres, parseConnectionUrl } from '../../src/sources/index.ts';
import { parseLsn, segmentName } from '../../src/wal/index.ts';
import { localRepository, testPassword } from '../support/local-repository.ts';
import { findProgram } from '../support/programs.ts';
import { relationFiles } from '../support/relation-files.ts';
import { resticRestore } from '../support/restored-server.ts';
import { serversUnderTest } from '../support/servers.ts';
import { need } from '../support/skip.ts';
import { segmentSizeBytes, startScene } from './wal-stream-scene.ts';

const settings = { wal_keep_size: '0', max_wal_size: '64MB', min_wal_size: '32MB' };

describe.each(serversUnderTest(18))('a local backup of $name', ({ major, bin, name }) => {
  it('knows what changed from the log where the server has recycled that WAL', async (context) => {
    const programs = need(context, bin, `no ${name}`);
    const restic = need(context, findProgram('restic-0.19') ?? findProgram('restic'), 'no restic');
    await using scene = await startScene(programs, major, settings);
    await using stored = await localRepository();
    const { server } = scene;
    const stream = scene.stream({ log: stored.repository.log('shop') });
    const backup = (source: string) =>
      backupPostgres({
        settings: parseConnectionUrl(server.url()),
        source,
        repository: stored.repository,
        local: 'auto',
      });
    await server.query(
      `create table still as select n as id, repeat(md5(n::text), 40) as v from generate_series(1, 100000) n;
       create table touched as select n as id, md5(n::text) as v from generate_series(1, 100000) n`,
    );
    await server.query('vacuum freeze');
    const first = await backup('shop');
    await scene.insert(100_000);
    await server.query('update touched set v = v || 1 where id % 9000 = 0');
    for (let round = 0; round < 3; round++) {
      await server.query('select pg_switch_wal()');
      await stream.untilFlushed();
      await server.query('checkpoint');
    }
    const start = segmentName(1, parseLsn(first.info.startLsn), segmentSizeBytes);
    expect(readdirSync(join(server.dataFolder, 'pg_wal'))).not.toContain(start);

    await backup('warm');
    const some = await backup('shop');
    const all = await backup('fresh');
    await stream.stop();
    expect(some.warnings).toEqual([]);
    expect(some.info.unreadBytes).toBeGreaterThan(100_000_000);
    using one = await resticRestore(restic, stored.folder, testPassword, some.snapshot);
    using two = await resticRestore(restic, stored.folder, testPassword, all.snapshot);
    const [ours, theirs] = [one, two].map(({ folder }) => relationFiles(join(folder, 'data'))) as [
      Map<string, Buffer>,
      Map<string, Buffer>,
    ];
    expect([...ours.keys()].sort()).toEqual([...theirs.keys()].sort());
    const different = [...ours].filter(([path, bytes]) => !theirs.get(path)?.equals(bytes));
    // Hint bits are logged with page checksums, which are on by themselves since 18.
    if (major >= 18) expect(different.map(([path]) => path)).toEqual([]);
  });
});
