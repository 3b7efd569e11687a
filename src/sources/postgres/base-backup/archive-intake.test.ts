import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../../../test/support/postgres.ts';
import { crc32c, lsn } from '../../../wal/index.ts';
import { ArchiveIntake } from './archive-intake.ts';
import { DamagedPages } from './damaged-pages.ts';
import { PageVerifier } from './page-checksum.ts';
import { referenceChecksum } from './page-checksum-reference.ts';
import type { SlabTaker } from './piece-crew.ts';
import { SlabFiller } from './slab-filler.ts';
import { SnapshotTree } from './snapshot-tree.ts';
import { StoredWal } from './stored-wal.ts';
import { WalReplacements } from './wal-replacements.ts';

const mib16 = 16 * 1024 * 1024;
const segmentPages = 131_072;

function page(block: number): Buffer {
  const bytes = Buffer.alloc(8192, `block ${block}`);
  bytes.writeUInt16LE(referenceChecksum(bytes, block), 8);
  return bytes;
}

function archiveOf(files: Record<string, Uint8Array>, links: Record<string, string> = {}): Buffer {
  const folder = temporaryFolder('archive');
  try {
    for (const path of [...Object.keys(files), ...Object.keys(links)]) {
      mkdirSync(join(folder, dirname(path)), { recursive: true });
    }
    for (const [path, bytes] of Object.entries(files)) writeFileSync(join(folder, path), bytes);
    for (const [path, target] of Object.entries(links)) symlinkSync(target, join(folder, path));
    const args = [
      '-c',
      '--format=ustar',
      '--sort=name',
      '--owner=999',
      '--group=998',
      '-C',
      folder,
      '.',
    ];
    return execFileSync('tar', args, { maxBuffer: 2 ** 26 });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function start() {
  const chunks: Buffer[] = [];
  const verifier = new PageVerifier(8192);
  // What the threads do, done at once.
  const crew: SlabTaker = {
    slab: () => ({ bytes: new Uint8Array(new SharedArrayBuffer(1024 * 1024)), number: undefined }),
    send({ bytes }, pieces) {
      let from = 0;
      for (const { lengthBytes, chunkSizeBytes, firstBlock, onSaved } of pieces) {
        const piece = bytes.subarray(from, from + lengthBytes);
        from += lengthBytes;
        const ids = new Uint8Array(Math.ceil(lengthBytes / chunkSizeBytes) * 32);
        for (let at = 0; at < lengthBytes; at += chunkSizeBytes) {
          ids.fill(chunks.length, (at / chunkSizeBytes) * 32, (at / chunkSizeBytes + 1) * 32);
          chunks.push(Buffer.from(piece.subarray(at, at + chunkSizeBytes)));
        }
        const sums = Uint32Array.from(chunks.slice(-ids.length / 32), (chunk) => crc32c(chunk));
        const failures = firstBlock === undefined ? [] : verifier.failures(piece, firstBlock);
        onSaved({ lengthBytes, ids, sums, failures });
      }
    },
  };
  const filler = new SlabFiller(crew);
  const damaged = new DamagedPages();
  const tree = new SnapshotTree({ mode: 0o700, uid: 0, gid: 0, mtimeSeconds: 0 });
  const intake = new ArchiveIntake({
    filler,
    tree,
    wal: new StoredWal(mib16, '1'),
    comparison: { add: () => {} },
    replacements: new WalReplacements(damaged, lsn(0n), mib16),
    damaged,
    verifiesPages: true,
    chunkSizeBytes: 65_536,
    pageSizeBytes: 8192,
    segmentPages,
  });
  const take = (archive: Buffer, tablespace?: number) => {
    intake.beginArchive(tablespace === undefined ? undefined : { oid: tablespace, location: '/x' });
    for (let at = 0; at < archive.length; at += 30_000)
      intake.push(archive.subarray(at, at + 30_000));
    intake.endArchive();
    filler.flush();
  };
  return { chunks, damaged, tree, intake, take };
}

describe('archive intake', () => {
  it('numbers the blocks of later segments, and across chunks', () => {
    const { damaged, take } = start();
    const blocks = Array.from({ length: 20 }, (_, index) => page(segmentPages + index));
    blocks[13] = page(13);
    take(archiveOf({ 'base/5/16384.1': Buffer.concat(blocks), 'base/5/16384': page(0) }));
    expect(damaged.remaining().map(({ path, block }) => ({ path, block }))).toEqual([
      { path: 'base/5/16384.1', block: segmentPages + 13 },
    ]);
  });

  it('cuts files into chunks of their own and sums them', () => {
    const { chunks, intake, take } = start();
    const bytes = Buffer.alloc(150_000, 'some bytes ');
    take(
      archiveOf({ 'pg_xact/0000': bytes, PG_VERSION: Buffer.from('18\n'), empty: Buffer.alloc(0) }),
    );
    expect(chunks.map((chunk) => chunk.length)).toEqual([3, 65_536, 65_536, 18_928]);
    expect(Buffer.concat(chunks.slice(1)).equals(bytes)).toBe(true);
    const sum = Buffer.alloc(4);
    sum.writeUInt32LE(crc32c(bytes));
    const streamed = intake.streamed.get('pg_xact/0000');
    expect(streamed?.sizeBytes).toBe(150_000);
    expect(streamed?.crc32c).toBe(sum.toString('hex'));
    expect([0, 32, 64].map((at) => streamed?.ids[at])).toEqual([1, 2, 3]);
    const empty = intake.streamed.get('empty');
    expect([empty?.sizeBytes, empty?.crc32c, empty?.ids.length]).toEqual([0, '00000000', 0]);
    expect(intake.owner).toMatchObject({ uid: 999, gid: 998 });
  });

  it('puts a file together from pieces, and small files into what is left of one', () => {
    const { chunks, intake, take } = start();
    const large = Buffer.alloc(2_500_000);
    for (let at = 0; at < large.length; at++) large[at] = (at * 7) >> 5;
    take(archiveOf({ 'base/5/a': Buffer.from('first'), 'base/5/b': large, 'base/5/c': large }));
    const sum = Buffer.alloc(4);
    sum.writeUInt32LE(crc32c(large));
    for (const name of ['base/5/b', 'base/5/c']) {
      const streamed = intake.streamed.get(name);
      expect(streamed?.crc32c).toBe(sum.toString('hex'));
      const ids = Array.from({ length: 39 }, (_, index) => streamed?.ids[index * 32] as number);
      expect(Buffer.concat(ids.map((id) => chunks[id] as Buffer)).equals(large)).toBe(true);
    }
  });

  it('makes folders of tablespaces, and refuses every other link', () => {
    const { tree, take } = start();
    take(archiveOf({ 'PG_18_202506291/5/16400': page(0) }), 16399);
    take(archiveOf({ PG_VERSION: Buffer.from('18\n') }, { 'pg_tblspc/16399': '/live/path' }));
    expect(tree.has('data/pg_tblspc/16399/PG_18_202506291/5/16400')).toBe(true);
    expect(() => take(archiveOf({}, { 'base/5': '/etc' }))).toThrow(/no tablespace/);
  });

  it('leaves out what a copy must not start with', () => {
    const { tree, intake, take } = start();
    take(archiveOf({ 'standby.signal': Buffer.alloc(0), 'postmaster.pid': Buffer.from('1') }));
    expect(tree.has('data/standby.signal')).toBe(false);
    expect(tree.has('data/postmaster.pid')).toBe(false);
    // The manifest speaks of them, so they count as sent.
    expect([...intake.streamed.keys()].sort()).toEqual(['postmaster.pid', 'standby.signal']);
  });
});
