import { mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { folderWithin, readableFolder } from './readable-folder.ts';
import type { EngineFacts, VolumeFacts } from './volume-engine.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lifeboat-volume-'));
  mkdirSync(join(folder, '_data'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function seenWith(change: Partial<VolumeFacts>, engine: Partial<EngineFacts> = {}) {
  const mountpoint = join(folder, '_data');
  const { ctimeNs } = statSync(folder, { bigint: true });
  const facts: VolumeFacts = {
    name: 'uploads',
    driver: 'local',
    mountpoint,
    isMounted: false,
    createdAtMs: Number(ctimeNs / 1_000_000_000n) * 1000,
    ...change,
  };
  return readableFolder(facts, {
    describe: async () => ({ hostname: hostname(), mapsAccounts: false, ...engine }),
    inspect: async () => facts,
  });
}

describe('a volume is read in place', () => {
  it('where the folder that is seen here is the one of the engine', async () => {
    expect(await seenWith({})).toEqual({ folder: join(folder, '_data') });
  });

  it.each([
    ['the engine is of another host', {}, { hostname: 'web-1' }, 'the engine runs on web-1'],
    ['accounts are mapped', {}, { mapsAccounts: true }, 'maps the accounts'],
    ['a driver keeps it', { driver: 'rclone' }, {}, 'volume driver rclone'],
    ['nothing is there', { mountpoint: '/nonexistent/_data' }, {}, 'does not exist on this host'],
    ['another folder has its path', { createdAtMs: 1.7e12 }, {}, 'is not the folder of the engine'],
    ['it is not mounted now', { isMounted: true }, {}, 'mounted only while a container uses it'],
  ])('not where %s', async (_, volume, engine, why) => {
    expect(await seenWith(volume, engine)).toMatchObject({ why: expect.stringContaining(why) });
  });
});

it('a folder in a volume is one that lies in it', async () => {
  mkdirSync(join(folder, '_data', 'media'));
  symlinkSync('/etc', join(folder, '_data', 'link'));
  const root = join(folder, '_data');
  expect(await folderWithin(root, undefined)).toBe(root);
  expect(await folderWithin(root, 'media')).toBe(join(root, 'media'));
  expect(await folderWithin(root, 'link')).toBeUndefined();
  expect(await folderWithin(root, 'nothing')).toBeUndefined();
});
