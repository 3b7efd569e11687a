import { randomBytes } from 'node:crypto';
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { need } from '../../../test/support/skip.ts';
import { keyFromBytes } from '../crypto/key-derivation.ts';
import { BlobIndex } from '../index/blob-index.ts';
import { ClaimTable } from '../index/claim-table.ts';
import { LocalLocation } from '../location/local-location.ts';
import type { BlobId } from '../repository.ts';
import { sha256 } from '../stored-file.ts';
import { FilePackTarget } from './file-pack-target.ts';
import type { FinishedPack } from './pack-builder.ts';
import { checkPack } from './pack-check.ts';
import { PackSession } from './pack-session.ts';
import { packInMemory } from './pack-source.ts';
import { SinkHost } from './sink-host.ts';

/** What the next call does instead, or after it has done its work. */
const faults = vi.hoisted(() => ({ close: '', afterRename: '' }));
const failWith = (code: string) => Object.assign(new Error(code), { code });
vi.mock('node:fs', async (original) => {
  const actual = await original<typeof import('node:fs')>();
  return {
    ...actual,
    closeSync: (fd: number) => {
      actual.closeSync(fd);
      const code = faults.close;
      faults.close = '';
      if (code !== '') throw failWith(code);
    },
  };
});
vi.mock('node:fs/promises', async (original) => {
  const actual = await original<typeof import('node:fs/promises')>();
  return {
    ...actual,
    rename: async (from: string, to: string) => {
      await actual.rename(from, to);
      const code = faults.afterRename;
      faults.afterRename = '';
      if (code !== '') throw failWith(code);
    },
  };
});

const key = keyFromBytes(randomBytes(64));
let folder = '';
let location: LocalLocation;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'lifeboat-test-'));
  location = new LocalLocation(folder);
  await location.create();
});
afterEach(() => rmSync(folder, { recursive: true }));

const filesThere = () =>
  readdirSync(join(folder, 'data'), { recursive: true, withFileTypes: true }).filter((each) =>
    each.isFile(),
  );

function packOf(lengths: readonly number[]): FinishedPack<string> {
  const packs: FinishedPack<string>[] = [];
  const session = new PackSession(
    key,
    () => new FilePackTarget(folder),
    (pack) => packs.push(pack),
  );
  for (const length of lengths) {
    const blob = randomBytes(length);
    session.add('data', sha256(blob) as BlobId, blob);
  }
  session.flush();
  expect(packs).toHaveLength(1);
  return packs[0] as FinishedPack<string>;
}

describe('a pack that is written while it grows', () => {
  it('is no file of the repository until it is adopted, and then a whole one', async () => {
    // Below, at, and above what is held in memory.
    const pack = packOf([1, 200_000, 100_000, 3_000_000, 5, 262_112, 40]);
    expect(await location.list('data')).toEqual([]);
    expect(statSync(pack.content).size).toBe(pack.sizeBytes);
    await location.adoptPack(pack.name, pack.content);
    const { name, sizeBytes } = pack;
    expect(await location.list('data')).toEqual([{ name, sizeBytes }]);
    const bytes = readFileSync(location.pathOf('data', name));
    expect(checkPack(key, name, packInMemory(bytes), pack.blobs)).toEqual([]);
    expect(filesThere()).toHaveLength(1);
    expect(statSync(location.pathOf('data', name)).mode & 0o777).toBe(0o400);
  });

  it('leaves nothing when it is discarded', () => {
    const session = new PackSession(
      key,
      () => new FilePackTarget(folder),
      () => {},
    );
    const blob = randomBytes(500_000);
    session.add('data', sha256(blob) as BlobId, blob);
    expect(filesThere()).toHaveLength(1);
    session.discard();
    expect(filesThere()).toEqual([]);
  });

  it('finds its folder missing in a copy that left out empty ones', async () => {
    for (const part of readdirSync(join(folder, 'data'))) {
      rmSync(join(folder, 'data', part), { recursive: true });
    }
    const pack = packOf([1000]);
    rmSync(join(folder, 'data', pack.name.slice(0, 2)), { recursive: true, force: true });
    if (readdirSync(join(folder, 'data')).length > 0) {
      await location.adoptPack(pack.name, pack.content);
      expect(await location.list('data')).toHaveLength(1);
    }
  });

  it('is not adopted after the end of the backup', async () => {
    const pack = packOf([1000]);
    const adopting = location.adoptPack(pack.name, pack.content, AbortSignal.abort());
    await expect(adopting).rejects.toMatchObject({ code: 'cancelled' });
    expect(filesThere()).toEqual([]);
  });

  it.each([
    ['ENOSPC', 'disk.full'],
    ['EDQUOT', 'disk.full'],
    ['EIO', 'location.unreachable'],
  ])('fails when the system says %s only at the close, and leaves nothing', (code, expected) => {
    faults.close = code;
    try {
      packOf([1000]);
      expect.unreachable();
    } catch (error) {
      expect(error).toMatchObject({ code: expected });
    }
    expect(filesThere()).toEqual([]);
  });

  it('is there when a server did the renaming and its answer was lost', async () => {
    const pack = packOf([1000]);
    faults.afterRename = 'ENOENT';
    await location.adoptPack(pack.name, pack.content);
    const { name, sizeBytes } = pack;
    expect(await location.list('data')).toEqual([{ name, sizeBytes }]);
    expect(filesThere()).toHaveLength(1);
  });

  it('is copied to a subfolder that lies on another disk', async (context) => {
    const isOther = existsSync('/dev/shm') && statSync('/dev/shm').dev !== statSync(folder).dev;
    const shm = need(context, isOther ? '/dev/shm' : undefined, 'no second file system');
    const pack = packOf([300_000, 5]);
    const part = join(folder, 'data', pack.name.slice(0, 2));
    if (pack.content.startsWith(part)) return;
    const elsewhere = mkdtempSync(join(shm, 'lifeboat-test-'));
    try {
      rmSync(part, { recursive: true });
      symlinkSync(elsewhere, part);
      await location.adoptPack(pack.name, pack.content);
      expect(statSync(join(elsewhere, pack.name)).size).toBe(pack.sizeBytes);
      expect(filesThere().map(({ name }) => name)).toEqual([pack.name]);
    } finally {
      rmSync(elsewhere, { recursive: true });
    }
  });

  it('is thrown away when its backup ended before it was taken', async () => {
    const host = new SinkHost({
      masterKey: key,
      localFolder: folder,
      index: new BlobIndex(),
      claims: new ClaimTable(),
      onPack: async () => {},
    });
    const { port } = host.open(false);
    const { name, content, sizeBytes } = packOf([1000]);
    port.postMessage({ number: 1, name, header: new Uint8Array(), sizeBytes, content });
    host.close();
    expect(filesThere()).toEqual([]);
    port.close();
  });

  it('says that the repository is gone', () => {
    rmSync(join(folder, 'data'), { recursive: true });
    expect(() => new FilePackTarget(folder)).toThrow(/could not write/);
  });
});
