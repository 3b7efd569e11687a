import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliDecompressSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TestDirectory } from '../../test/support/wal.ts';
import { isLifeboatError } from '../core/index.ts';
import { findSuspects } from './find-suspects.ts';
import { formatLsn } from './lsn.ts';
import { TransactionIndex } from './transaction-index.ts';
import { WalReader } from './wal-reader.ts';

/** What a real server of that major wrote: see test/fixtures/wal. */
function fixture(major: number) {
  const file = join(import.meta.dirname, `../../test/fixtures/wal/${major}.br`);
  const content = brotliDecompressSync(readFileSync(file));
  const line = content.indexOf(10);
  const { relations, startLsn, from, end, expected } = JSON.parse(
    content.toString('utf8', 0, line),
  );
  return {
    wal: content.subarray(line + 1),
    directory: TestDirectory.from(relations),
    startLsn: BigInt(startLsn),
    from: BigInt(from),
    end: BigInt(end),
    expected,
  };
}

describe.each([13, 14, 15, 16, 17, 18])('suspects in WAL of PostgreSQL %i', (major) => {
  it('are exactly the losses, with their positions and rows', () => {
    const { wal, directory, startLsn, from, end, expected } = fixture(major);
    const reader = new WalReader({ startLsn });
    const index = new TransactionIndex();
    for (const record of reader.read(wal)) if (record.lsn >= from) index.add(record);
    reader.requireReached(end);
    expect(reader.major).toBe(major);
    const suspects = findSuspects(index.committed(), directory, { minUpdatedShare: 0.1 });
    const found = suspects.map(({ xid, commitLsn, kind, tables }) => {
      const rows = Object.fromEntries(tables.map(({ name, rows }) => [name, rows]));
      return { xid, commitLsn, kind, tables: rows };
    });
    const byXid = (a: { xid: number }, b: { xid: number }) => a.xid - b.xid;
    expect(found.sort(byXid)).toEqual(expected.toSorted(byXid));
    expect(
      suspects.every(({ certain, commitLsn, target }) => certain && target.lsn === commitLsn),
    ).toBe(true);
  });

  it('are never invented by a flipped bit', () => {
    const { wal, directory, startLsn, from, expected } = fixture(major);
    const real = expected.map(({ xid }: { xid: number }) => xid);
    fc.assert(
      fc.property(fc.nat(wal.length - 1), fc.nat(7), (at, bit) => {
        const damaged = Buffer.from(wal);
        damaged[at] = (damaged[at] as number) ^ (1 << bit);
        const reader = new WalReader({ startLsn });
        const index = new TransactionIndex();
        try {
          for (const record of reader.read(damaged)) if (record.lsn >= from) index.add(record);
        } catch (error) {
          expect(isLifeboatError(error, 'wal.unsupported')).toBe(true);
        }
        for (const { xid, commitLsn } of findSuspects(index.committed(), directory)) {
          expect(real).toContain(xid);
          expect(commitLsn <= formatLsn(reader.reachedLsn)).toBe(true);
        }
      }),
      { numRuns: 40 },
    );
  });
});
