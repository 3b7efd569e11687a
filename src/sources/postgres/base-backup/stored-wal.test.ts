import { describe, expect, it } from 'vitest';
import { lsn, segmentName } from '../../../wal/index.ts';
import { StoredWal } from './stored-wal.ts';

const mib16 = 16 * 1024 * 1024;
const systemId = '7710566952626879488';

function head(start: bigint, id = systemId): Uint8Array {
  const bytes = Buffer.alloc(40);
  bytes.writeBigUInt64LE(start, 8);
  bytes.writeBigUInt64LE(BigInt(id), 24);
  bytes.writeUInt32LE(mib16, 32);
  return bytes;
}

const at = (segment: number, offset = 0) => lsn(BigInt(segment * mib16 + offset));
const bounds = (position: ReturnType<typeof lsn>) => ({ lsn: position, timeline: 1 });

function wal(...segments: number[]): StoredWal {
  const stored = new StoredWal(mib16, systemId);
  for (const segment of segments) {
    stored.add(segmentName(1, at(segment), mib16), mib16, head(at(segment)));
  }
  return stored;
}

describe('stored WAL', () => {
  it('must be whole from the first to the last segment', () => {
    wal(3, 4, 5).requireWhole(bounds(at(3, 40)), bounds(at(5, 40)));
    wal(3, 4).requireWhole(bounds(at(3, 40)), bounds(at(5)));
    for (const missing of [wal(3, 5), wal(4, 5), wal(3, 4), wal()]) {
      expect(() => missing.requireWhole(bounds(at(3, 40)), bounds(at(5, 40)))).toThrow(
        /WAL segment/,
      );
    }
  });

  it('counts only segments that are what their name says', () => {
    const stored = new StoredWal(mib16, systemId);
    const name = segmentName(1, at(3), mib16);
    stored.add(name, mib16 - 1, head(at(3)));
    stored.add(name, mib16, head(at(2)));
    stored.add(name, mib16, head(at(3), '1'));
    stored.add(name, mib16, head(at(3)).subarray(0, 20));
    stored.add(`${name}.partial`, mib16, head(at(3)));
    const require = () => stored.requireWhole(bounds(at(3)), bounds(at(3, 1)));
    expect(require).toThrow(/000000010000000000000003/);
    stored.add(name, mib16, head(at(3)));
    require();
  });

  it('knows the histories that came along', () => {
    const stored = new StoredWal(mib16, systemId);
    stored.add('0000000A.history', 30, Buffer.from('1'));
    expect([stored.hasHistory(10), stored.hasHistory(2)]).toEqual([true, false]);
  });
});
