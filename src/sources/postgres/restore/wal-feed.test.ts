import { existsSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { temporaryFolder } from '../../../../test/support/postgres.ts';
import { sleep } from '../../../core/index.ts';
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
