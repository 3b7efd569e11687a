import { type BlobId, nameFromBytes } from '../../../repository/index.ts';
import type { ByteMeter } from '../base-backup/byte-meter.ts';
import type { DamagedPages } from '../base-backup/damaged-pages.ts';
import { FileContent } from '../base-backup/file-content.ts';
import type { FilePiece, SavedPiece } from '../base-backup/piece.ts';
import type { PieceCrew } from '../base-backup/piece-crew.ts';
import { parseRelationFile } from '../base-backup/relation-file.ts';
import type { ServerFacts } from '../base-backup/server-facts.ts';
import type { DataEntry } from './list-data-files.ts';
import type { RateLimit } from './rate-limit.ts';
import type { UnchangedChunks } from './unchanged-chunks.ts';

/** What is done with a piece after it was read finds it in the processor's cache. */
const pieceBytes = 256 * 1024;
/** Pieces travel to a thread together. */
const jobBytes = 2 * 1024 * 1024;
const mostPiecesInJob = 128;
const idBytes = 32;

export interface ReadFile {
  readonly entry: DataEntry;
  /** As in the snapshot, relative to the data directory. */
  readonly path: string;
  readonly content: FileContent;
}

export interface DataFilesReaderOptions {
  readonly crew: PieceCrew;
  readonly facts: ServerFacts;
  readonly chunkSizeBytes: number;
  readonly damaged: DamagedPages;
  readonly meter: ByteMeter;
  readonly limit: RateLimit;
  /** What need not be read. */
  readonly unchanged?: UnchangedChunks;
  readonly isStored: (id: BlobId) => boolean;
}

interface Job {
  readonly pieces: FilePiece[];
  readonly take: ((saved: SavedPiece | undefined) => void)[];
  bytes: number;
}

/** Has the threads read the files of the data directory, each at the length that it had when it was listed. */
export class DataFilesReader {
  readonly #options: DataFilesReaderOptions;
  #job: Job = newJob();
  /** Taken over from the former backup. */
  unreadBytes = 0;

  constructor(options: DataFilesReaderOptions) {
    this.#options = options;
  }

  /** Those that were still there. A file that vanishes meanwhile was dropped, which WAL tells. */
  async read(entries: readonly DataEntry[]): Promise<readonly ReadFile[]> {
    const { crew, chunkSizeBytes } = this.#options;
    const gone = new Set<ReadFile>();
    const files: ReadFile[] = [];
    for (const entry of entries) {
      const path = nameFromBytes(Buffer.from(entry.path, 'latin1'));
      const file = { entry, path, content: new FileContent(entry.sizeBytes, chunkSizeBytes) };
      files.push(file);
      await this.#readFile(file, () => gone.add(file));
    }
    await this.#send();
    await crew.settled();
    return files.filter((file) => !gone.has(file));
  }

  async #readFile(file: ReadFile, onGone: () => void): Promise<void> {
    const { chunkSizeBytes } = this.#options;
    const { entry } = file;
    const kept = await this.#keptChunks(file);
    for (let position = 0; position < entry.sizeBytes; ) {
      if (kept.has(position / chunkSizeBytes)) {
        position += chunkSizeBytes;
        continue;
      }
      let end = position;
      do end += chunkSizeBytes;
      while (
        end - position < pieceBytes &&
        end < entry.sizeBytes &&
        !kept.has(end / chunkSizeBytes)
      );
      const lengthBytes = Math.min(end, entry.sizeBytes) - position;
      await this.#readPiece(file, position, lengthBytes, onGone);
      position = end;
    }
  }

  async #readPiece(
    { entry, path, content }: ReadFile,
    position: number,
    lengthBytes: number,
    onGone: () => void,
  ): Promise<void> {
    const { facts, damaged, chunkSizeBytes } = this.#options;
    const relation = facts.dataChecksums ? parseRelationFile(path) : undefined;
    const firstBlock =
      relation && relation.segment * facts.segmentPages + position / facts.pageSizeBytes;
    this.#job.pieces.push({ from: entry.from, position, lengthBytes, chunkSizeBytes, firstBlock });
    this.#job.take.push((saved) => {
      if (saved === undefined) {
        onGone();
        return;
      }
      content.add(position, saved);
      if (relation) damaged.suspectAll(path, relation, saved.failures);
    });
    this.#job.bytes += lengthBytes;
    const isFull = this.#job.bytes >= jobBytes || this.#job.pieces.length >= mostPiecesInJob;
    if (isFull) await this.#send();
  }

  /** Puts the chunks that WAL proves unchanged into the file as they were, and returns their numbers. */
  async #keptChunks({ entry, path, content }: ReadFile): Promise<ReadonlySet<number>> {
    const { unchanged, facts, chunkSizeBytes, isStored, meter } = this.#options;
    const kept = new Set<number>();
    const relation = parseRelationFile(path);
    if (!unchanged || relation?.fork !== 0) return kept;
    if (unchanged.former.chunkSizeBytes !== chunkSizeBytes) return kept;
    const former = await unchanged.former.find(path);
    // One that has become shorter without a word in the WAL is not what it seems.
    if (former === undefined || former.sizeBytes > entry.sizeBytes) return kept;
    const firstGroup =
      (relation.segment * facts.segmentPages * facts.pageSizeBytes) / chunkSizeBytes;
    const ids = Buffer.from(former.ids.buffer, former.ids.byteOffset, former.ids.length);
    for (const [index, sum] of former.sums.entries()) {
      if ((index + 1) * chunkSizeBytes > former.sizeBytes) break;
      if (unchanged.changes.isChanged(relation, firstGroup + index)) continue;
      const id = ids.toString('hex', index * idBytes, (index + 1) * idBytes) as BlobId;
      if (!isStored(id)) continue;
      content.keep(index, id, sum);
      kept.add(index);
    }
    const keptBytes = kept.size * chunkSizeBytes;
    this.unreadBytes += keptBytes;
    meter.add(keptBytes);
    return kept;
  }

  async #send(): Promise<void> {
    const { crew, meter, limit } = this.#options;
    const job = this.#job;
    if (job.pieces.length === 0) return;
    this.#job = newJob();
    await limit.take(job.bytes);
    await crew.readRoom();
    crew.read(job.pieces, (saved) => {
      for (const [index, each] of saved.entries()) job.take[index]?.(each);
      meter.add(job.bytes);
    });
  }
}

function newJob(): Job {
  return { pieces: [], take: [], bytes: 0 };
}
