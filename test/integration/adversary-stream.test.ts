import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { formatLsn } from '../../src/wal/index.ts';
import { serversUnderTest } from '../support/servers.ts';
import { need } from '../support/skip.ts';
import { type Scene, segmentSizeBytes, startScene } from './wal-stream-scene.ts';

describe.each(serversUnderTest(15))(
  'WAL of $name that ends with a whole segment',
  ({ major, bin }) => {
    let scene: Scene;

    beforeEach(async (context) => {
      need(context, bin, `no PostgreSQL ${major}`);
      scene = await startScene(bin as string, major);
    });

    afterEach(async () => {
      await scene?.[Symbol.asyncDispose]();
    });

    async function fillSegment(): Promise<bigint> {
      const stream = scene.stream();
      // The server may add a record of its own behind the switch.
      for (;;) {
        await scene.insert(1000);
        await scene.server.query('select pg_switch_wal()');
        await stream.untilFlushed();
        const [span] = await scene.openLog().coverage();
        if (span === undefined || span.end % BigInt(segmentSizeBytes) !== 0n) continue;
        await stream.stop();
        const [last] = await scene.openLog().coverage();
        expect(last?.end).toBe(span.end);
        return span.end;
      }
    }

    it.each(['a spool', 'the log only'])(
      'is not continued by a server that was set back and grew past it, with %s',
      async (held) => {
        const { server } = scene;
        await scene.insert(10);
        const first = scene.stream();
        await first.untilFlushed();
        await first.stop();
        await server.stop();
        const past = join(scene.folder, 'past');
        execFileSync('cp', ['-a', server.dataFolder, past]);
        await server.start();
        const end = await fillSegment();
        await server.kill();
        rmSync(server.dataFolder, { recursive: true });
        execFileSync('cp', ['-a', past, server.dataFolder]);
        await server.start();
        while ((await scene.serverLsn()) < end + 100_000n) {
          await server.query(
            `insert into filler (body) select repeat('another way', 20) from generate_series(1, 5000)`,
          );
        }
        if (held === 'the log only') rmSync(scene.spoolFolder, { recursive: true });
        expect(await scene.stream().failure).toMatchObject({ code: 'log.conflict' });
        // Nothing of the other history came behind ours.
        const [span] = await scene.openLog().coverage();
        expect(formatLsn(span?.end ?? 0n)).toBe(formatLsn(end));
      },
    );

    it('goes on although the server no longer has that segment', async () => {
      const { server } = scene;
      await server.query('alter system set wal_keep_size = 0');
      await server.query('alter system set max_wal_size = 32');
      await server.query('alter system set min_wal_size = 32');
      await server.query('select pg_reload_conf()');
      const end = await fillSegment();
      await scene.insert(10);
      await server.query('checkpoint');
      const { rows } = await server.query(
        'select min(name) as name from pg_ls_waldir() where length(name) = 24',
      );
      const oldest = await server.query(`select pg_walfile_name('${formatLsn(end + 1n)}') as name`);
      expect(rows[0].name).toBe(oldest.rows[0].name);
      for (const lost of [false, true]) {
        if (lost) rmSync(scene.spoolFolder, { recursive: true });
        const stream = scene.stream();
        await scene.insert(100);
        await stream.untilFlushed();
        await stream.stop();
        expect(stream.warnings).toEqual([]);
      }
      const spans = await scene.openLog().coverage();
      expect(spans).toHaveLength(1);
    });
  },
);
