import { expect, it } from 'vitest';
import type { FileInfo, FileKind, Location } from '../location/location.ts';
import { MemoryLocation } from '../location/memory-location.ts';
import { bytesAt, randomKey } from './log-contract.ts';
import { encodeManifest } from './manifest.ts';
import { NestedArea } from './nested-area.ts';
import { noPrevious } from './nested-header.ts';
import { openLogs } from './open-logs.ts';

const key = randomKey();
const stream = '00000001';
const size = 1000;

/** Lets something happen once, right after a folder was listed. */
function interrupted(inner: Location, kind: FileKind, happens: () => Promise<void>): Location {
  let isOver = false;
  const list = async (wanted: FileKind, signal?: AbortSignal): Promise<readonly FileInfo[]> => {
    const files = await inner.list(wanted, signal);
    if (wanted === kind && !isOver) {
      isOver = true;
      await happens();
    }
    return files;
  };
  return new Proxy(inner, {
    get(target, property) {
      if (property === 'list') return list;
      if (property === 'nested') {
        return (folder: string) => interrupted(target.nested(folder), kind, happens);
      }
      const value = Reflect.get(target, property) as unknown;
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

it.each(['locks', 'index'] as const)(
  'sees everything when others drop and consolidate right after it listed %s',
  async (kind) => {
    const location = new MemoryLocation();
    const writer = openLogs(location, key).log('database');
    for (let at = 0; at < 63; at++) {
      await writer.appendSegment(stream, BigInt(at * size), bytesAt(BigInt(at * size), size));
    }
    await writer.appendPiece(stream, 63_000n, bytesAt(63_000n, 100));
    const last = () => writer.appendSegment(stream, 63_000n, bytesAt(63_000n, size));
    const reader = openLogs(interrupted(location, kind, last), key).log('database');
    expect(await reader.coverage()).toEqual([{ stream, start: 0n, end: 64_000n }]);
    expect(await location.nested('lifeboat').list('index')).toHaveLength(1);
    expect(await reader.read(stream, 0n, 64_000n)).toEqual(bytesAt(0n, 64_000));
  },
);

it('does not take one segment for another, even when a manifest says so', async () => {
  const location = new MemoryLocation();
  const writer = openLogs(location, key).log('database');
  await writer.appendSegment(stream, 0n, bytesAt(0n, size));
  const area = new NestedArea(location, key);
  const [file] = await area.list('data');
  const content = 'ab'.repeat(32);
  const place = { file: file!.name, storedBytes: file!.sizeBytes, content };
  const segment = { stream, start: 1000n, lengthBytes: size, ...place };
  await area.write(
    'locks',
    { kind: 'manifest', level: 0, log: 'database', part: '', position: 0n, previous: noPrevious },
    encodeManifest({ segments: [segment], files: [], supersedes: [] }),
  );
  const reader = openLogs(location, key).log('database');
  await expect(reader.read(stream, 1000n, 1001n)).rejects.toThrow(
    'it should have position 1000 but has 0',
  );
});

it('reads a manifest once, and none whose entries a larger one has', async () => {
  const location = new MemoryLocation({ appendOnly: true });
  const writer = openLogs(location, key).log('database');
  for (let at = 0; at < 256; at++) {
    await writer.appendSegment(stream, BigInt(at * size), bytesAt(BigInt(at * size), size));
  }
  expect(await location.nested('lifeboat').list('index')).toHaveLength(4);
  // The third holds the first two; the fourth is too small beside it.
  const reads: string[] = [];
  const inner = location.nested('lifeboat');
  const read = inner.read.bind(inner);
  inner.read = (kind, name, ...rest) => {
    reads.push(kind);
    return read(kind, name, ...rest);
  };
  location.nested = () => inner;
  const reader = openLogs(location, key).log('database');
  await reader.coverage();
  await reader.coverage();
  expect(reads).toEqual(['index', 'index']);
});
