import { isLifeboatError, throwIfAborted } from '../../core/index.ts';
import { ownBuffer } from '../data-plane/own-buffer.ts';
import { decodeIndex, type IndexedPack, type PackedBlob } from '../format/index-file.ts';
import { readStoredJson } from '../stored-file.ts';
import type { CopySide } from './copy-side.ts';
import type { PackIntake } from './pack-intake.ts';
import { planPieces, type StoredPiece } from './stored-pieces.ts';
import type { WantedBlobs } from './wanted-blobs.ts';

/** Pieces of some MiB that are being read or resealed at once. */
const piecesAtOnce = 4;

/** What could not be copied, by `failureKey`, and why. */
export type BlobFailures = Map<string, string>;

export function failureKey({ type, id }: Pick<PackedBlob, 'type' | 'id'>): string {
  return `${type} ${id}`;
}

export interface BlobCopy {
  readonly from: CopySide;
  /** Index files of the source. */
  readonly indexFiles: Iterable<string>;
  readonly wanted: WantedBlobs;
  readonly intake: PackIntake;
  readonly onCopied: (blobs: number, sealedBytes: number) => void;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Moves the wanted blobs, pack after pack in the order of the source's index, each pack read once. A blob that is damaged
 * in one pack is taken from another that has it too. What remains is returned.
 */
export async function copyBlobs(copy: BlobCopy): Promise<BlobFailures> {
  const failures: BlobFailures = new Map();
  const tried = new Set<string>();
  await pass(copy, failures, tried, ({ type, id }) => copy.wanted.take(type, id));
  for (let before = Number.POSITIVE_INFINITY; failures.size > 0 && failures.size < before; ) {
    before = failures.size;
    const open = new Map(failures);
    await pass(copy, failures, tried, (blob) => open.delete(failureKey(blob)));
  }
  return failures;
}

async function pass(
  copy: BlobCopy,
  failures: BlobFailures,
  tried: Set<string>,
  take: (blob: PackedBlob) => boolean,
): Promise<void> {
  const underWay = new Set<Promise<void>>();
  let failure: unknown;
  const start = (work: Promise<void>) => {
    const tracked = work
      .catch((error: unknown) => {
        failure ??= error;
      })
      .finally(() => underWay.delete(tracked));
    underWay.add(tracked);
  };
  const seen = new Set<string>();
  try {
    for (const file of copy.indexFiles) {
      for (const pack of await packsOf(copy, file)) {
        // Two index files may name the same pack.
        if (seen.has(pack.name)) continue;
        seen.add(pack.name);
        const isOpen = (blob: PackedBlob) => !tried.has(`${pack.name} ${failureKey(blob)}`);
        const blobs = pack.blobs.filter((blob) => isOpen(blob) && take(blob));
        for (const piece of planPieces(blobs)) {
          while (underWay.size >= piecesAtOnce) await Promise.race(underWay);
          if (failure !== undefined) throw failure;
          throwIfAborted(copy.signal);
          start(movePiece(copy, pack, piece, failures, tried));
        }
      }
    }
  } finally {
    while (underWay.size > 0) await Promise.all(underWay);
  }
  if (failure !== undefined) throw failure;
}

/** None for an index file that is gone or damaged: what only it names was not found when the trees were walked. */
async function packsOf({ from, signal }: BlobCopy, file: string): Promise<readonly IndexedPack[]> {
  try {
    return decodeIndex(await readStoredJson(from.access, 'index', file, signal));
  } catch (error) {
    if (isLifeboatError(error, 'repository.damaged', 'location.file-missing')) return [];
    throw error;
  }
}

async function movePiece(
  copy: BlobCopy,
  pack: IndexedPack,
  { range, blobs }: StoredPiece,
  failures: BlobFailures,
  tried: Set<string>,
): Promise<void> {
  const fail = (blob: PackedBlob, problem: string) => {
    failures.set(failureKey(blob), `${problem} (pack ${pack.name})`);
    tried.add(`${pack.name} ${failureKey(blob)}`);
  };
  const { location, masterKey } = copy.from.access;
  let piece: Uint8Array<ArrayBuffer>;
  try {
    piece = ownBuffer(await location.read('data', pack.name, range, copy.signal));
  } catch (error) {
    if (!isLifeboatError(error, 'repository.damaged', 'location.file-missing')) throw error;
    for (const blob of blobs) fail(blob, error.message);
    return;
  }
  const within = blobs.map((blob) => ({ ...blob, offset: blob.offset - range.offset }));
  const problems = await copy.intake.reseal(masterKey, piece, within);
  const bad = new Set(problems.map(({ blob }) => failureKey(blob)));
  for (const { blob, problem } of problems) fail(blob, problem);
  const good = blobs.filter((blob) => !bad.has(failureKey(blob)));
  for (const blob of good) failures.delete(failureKey(blob));
  copy.onCopied(
    good.length,
    good.reduce((sum, { length }) => sum + length, 0),
  );
}
