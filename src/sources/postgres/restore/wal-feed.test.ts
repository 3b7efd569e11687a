import { existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { temporaryFolder } from '../../../../test/support/postgres.ts';
import { WalBuilder } from '../../../../test/support/wal-builder.ts';
import { sleep } from '../../../core/index.ts';
import { lsn, segmentName } from '../../../wal/index.ts';
import { feedFolderName } from './fetch-script.ts';
import type { RecoveryPlan } from './recovery-plan.ts';
import { WalFeed } from './wal-feed.ts';

const hooks = vi.hoisted(() => ({ afterListing: (_folder: string): void => {} }));
vi.mock('node:fs/promises', async (original) => {
  const actual = await original<typeof import('node:fs/promises')>();
  return {
    ...actual,
    readdir: async (path: string) => {
      const names = await actual.readdir(path);
      hooks.afterListing(path);
      return names;
    },
  };
});

const name = '00000002.history';
let dataFolder: string;
const inFeed = (...parts: string[]) => join(dataFolder, feedFolderName, ...parts);

/** Of a log without any WAL, so that nothing but what is asked for is handed out. */
function planWithHistory(): RecoveryPlan {
  return {
    backup: { startLsn: 0n, stopLsn: 0n, info: { segmentSizeBytes: 2 ** 20 } },
    end: 0n,
    stop: { kind: 'end', lastRecord: 0n },
    path: [],
    histories: { readFile: async () => Buffer.from('a history'), fileNames: async () => [name] },
  } as unknown as RecoveryPlan;
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await sleep(2);
}

beforeEach(() => {
  dataFolder = temporaryFolder('wal-feed');
});
afterEach(() => {
  hooks.afterListing = () => {};
  rmSync(dataFolder, { recursive: true, force: true });
});

// A busy machine may run the server as long as it likes between two steps of ours.
it.each(['ready', 'wanted'])(
  'hears a server that takes a file and asks again right after "%s" was listed',
  async (listed) => {
    await using feed = await WalFeed.start({
      plan: planWithHistory(),
      dataFolder,
      account: undefined,
    });
    writeFileSync(inFeed('wanted', name), '');
    await until(() => existsSync(inFeed('ready', name)));
    let isAskedAgain = false;
    hooks.afterListing = (path) => {
      if (basename(path) !== listed || isAskedAgain) return;
      isAskedAgain = true;
      renameSync(inFeed('ready', name), join(dataFolder, 'taken'));
      writeFileSync(inFeed('wanted', name), '');
    };
    await until(() => isAskedAgain);
    await until(() => existsSync(inFeed('ready', name)));
    expect(feed.failure).toBe(undefined);
  },
  10_000,
);

/** Records over this many segments of 1 MiB, and how many of them are read at once. */
function planWithLog(segments: number): { plan: RecoveryPlan; wal: Buffer; most: () => number } {
  const size = 2 ** 20;
  const builder = new WalBuilder({ start: size, segmentBytes: size });
  const main = Buffer.alloc(50_000, 1);
  while (builder.position < (segments + 1) * size) builder.record({ manager: 10, main });
  const wal = builder.bytes().subarray(0, segments * size);
  let atOnce = 0;
  let most = 0;
  const holdings = {
    readPath: async (_path: unknown, start: bigint, end: bigint) => {
      most = Math.max(most, ++atOnce);
      await sleep(20);
      atOnce -= 1;
      return new Uint8Array(wal.subarray(Number(start) - size, Number(end) - size));
    },
  };
  const end = BigInt(size + wal.length);
  const plan = {
    ...planWithHistory(),
    backup: {
      startLsn: lsn(BigInt(size)),
      stopLsn: lsn(BigInt(size)),
      info: { segmentSizeBytes: size },
    },
    end,
    stop: { kind: 'end', lastRecord: end - 8n },
    path: [{ timeline: 1, begin: lsn(0n), end: lsn(2n ** 64n - 1n) }],
    holdings,
  } as unknown as RecoveryPlan;
  return { plan, wal, most: () => most };
}

it('reads several segments at once, ahead of a server that takes them by renaming, and no more than it has room for', async () => {
  const { plan, wal, most } = planWithLog(20);
  const size = 2 ** 20;
  await using feed = await WalFeed.start({ plan, dataFolder, account: undefined });
  // Nobody asks; still they lie ready, up to a limit.
  await until(() => readdirSync(inFeed('ready')).length >= 8);
  await sleep(100);
  expect(readdirSync(inFeed('ready')).length).toBeLessThanOrEqual(10);
  for (let nth = 1; nth <= 20; nth++) {
    const segment = segmentName(1, BigInt(nth * size), size);
    await until(() => existsSync(inFeed('ready', segment)));
    renameSync(inFeed('ready', segment), join(dataFolder, segment));
    const expected = wal.subarray((nth - 1) * size, nth * size);
    expect(readFileSync(join(dataFolder, segment)).equals(expected)).toBe(true);
  }
  expect(most()).toBeGreaterThan(1);
  expect(feed.failure).toBe(undefined);
  expect(readdirSync(inFeed('ready'))).toEqual([]);
});
