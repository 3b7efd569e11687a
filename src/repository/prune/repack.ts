import { type Progress, throwIfAborted } from '../../core/index.ts';
import { ownBuffer } from '../data-plane/own-buffer.ts';
import type { WorkerPool } from '../data-plane/worker-pool.ts';
import type { IndexedPack } from '../format/index-file.ts';
import type { BitSet } from '../index/bit-set.ts';
import type { BlobIndex } from '../index/blob-index.ts';
import type { BlobType } from '../repository.ts';
import { aboutFile, type RepositoryAccess } from '../stored-file.ts';
import { type PlacedRow, piecesOf, placedRows, readPieces } from './blob-pieces.ts';
import type { PackUse } from './pack-use.ts';

export interface RepackOptions {
  readonly access: RepositoryAccess;
  readonly pool: WorkerPool;
  readonly index: BlobIndex;
  readonly used: BitSet;
  readonly packs: readonly PackUse[];
  readonly signal?: AbortSignal | undefined;
  readonly progress: Progress;
}

/** restic's default size of a pack. */
const packTargetBytes = 16 * 1024 * 1024;
/** Keeps the header small when blobs are tiny. */
const mostBlobs = 10_000;
/** New packs in memory at once. */
const packsAtOnce = 3;

/**
 * Writes what is needed of some packs into new ones, by type. The new packs are durable and in no index yet when it
 * resolves; the old ones are untouched.
 */
export async function repack(options: RepackOptions): Promise<IndexedPack[]> {
  const { packs, signal, progress } = options;
  const task = 'repack';
  const total = packs.reduce((sum, { usedBytes }) => sum + usedBytes, 0);
  if (packs.length === 0) return [];
  progress({ type: 'begin', task, title: 'repacking what is needed of partly used packs' });
  let done = 0;
  const written: IndexedPack[] = [];
  const underWay = new Set<Promise<void>>();
  try {
    for (const { type, placed } of newPacks(options)) {
      throwIfAborted(signal);
      const work = writePack(options, type, placed).then((pack) => {
        underWay.delete(work);
        written.push(pack);
        done += placed.reduce((sum, { length }) => sum + length, 0);
        progress({ type: 'progress', task, done, total, unit: 'bytes' });
      });
      work.catch(() => {});
      underWay.add(work);
      if (underWay.size >= packsAtOnce) await Promise.race(underWay);
    }
    await Promise.all(underWay);
  } finally {
    // Nobody writes behind the back of whoever handles the error.
    await Promise.allSettled(underWay);
  }
  progress({ type: 'end', task });
  return written;
}

function* newPacks({ index, used, packs }: RepackOptions) {
  const wanted = new Set(packs.map(({ name }) => name));
  const rows: Record<BlobType, number[]> = { data: [], tree: [] };
  for (let row = 0; row < index.blobCount; row++) {
    if (used.has(row) && wanted.has(index.placeAt(row).pack)) rows[index.typeAt(row)].push(row);
  }
  for (const type of ['tree', 'data'] as const) {
    let placed: PlacedRow[] = [];
    let bytes = 0;
    for (const each of placedRows(index, rows[type])) {
      placed.push(each);
      bytes += each.length;
      if (bytes < packTargetBytes && placed.length < mostBlobs) continue;
      yield { type, placed };
      placed = [];
      bytes = 0;
    }
    if (placed.length > 0) yield { type, placed };
  }
}

async function writePack(
  { access, pool, index, signal }: RepackOptions,
  type: BlobType,
  placed: readonly PlacedRow[],
): Promise<IndexedPack> {
  const { pieces, spots } = piecesOf(placed);
  const read = (await readPieces(access.location, pieces, signal)).map(ownBuffer);
  const blobs = placed.map(({ row, length, uncompressedLength }, number) => {
    const spot = spots[number] as { piece: number; offset: number };
    return { id: index.idAt(row), type, length, uncompressedLength, ...spot };
  });
  const bytes = read.reduce((sum, { length }) => sum + length, 0);
  const request = { type: 'repack', pieces: read, blobs } as const;
  const transfer = read.map(({ buffer }) => buffer);
  const answer = pool.leastBusy().run(request, 'repacked', { bytes, transfer });
  const { pack } = await answer.catch((error: unknown) => {
    const names = [...new Set(placed.map((each) => each.pack))].join(', ');
    return aboutFile('data', names, () => {
      throw error;
    });
  });
  await access.location.write('data', pack.name, pack.bytes, signal);
  return { name: pack.name, blobs: pack.blobs };
}
