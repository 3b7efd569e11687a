import type { ErrorCode } from '../../../core/index.ts';
import type { SinkGrant } from '../../../repository/thread.ts';
import type { DataEntry, DataFolders } from '../local-backup/list-data-files.ts';

// What the main thread and the threads that save the files of a base backup say to each other.

/** Part of a file; it begins where a chunk does, and only the last one of a file ends elsewhere. */
export interface Piece {
  readonly lengthBytes: number;
  readonly chunkSizeBytes: number;
  /** Number of its first page within the relation; undefined when it has no pages with checksums. */
  readonly firstBlock: number | undefined;
}

export interface SavedPiece {
  readonly lengthBytes: number;
  /** Raw, one behind the other. */
  readonly ids: Uint8Array;
  /** CRC-32C of each chunk. */
  readonly sums: Uint32Array;
  /** Blocks whose checksum is wrong. */
  readonly failures: readonly number[];
}

/** A piece that the thread reads itself. What is missing at the end of the file counts as zeroes, as in the server's backups. */
export interface FilePiece extends Piece {
  /** Byte text. */
  readonly from: string;
  readonly position: number;
}

export interface WorkerSetup {
  /** One for each repository. */
  readonly sinks: readonly SinkGrant[];
  readonly slabs: readonly SharedArrayBuffer[];
  readonly pageSizeBytes: number;
}

export type WorkerRequest =
  /** Pieces lie one behind the other in a slab, or in memory that is given along. */
  | {
      readonly type: 'bytes';
      readonly job: number;
      readonly slab: number | SharedArrayBuffer;
      readonly pieces: readonly Piece[];
    }
  | { readonly type: 'read'; readonly job: number; readonly pieces: readonly FilePiece[] }
  | { readonly type: 'list'; readonly job: number; readonly folders: DataFolders }
  | { readonly type: 'tree'; readonly job: number; readonly tree: Uint8Array }
  | { readonly type: 'flush'; readonly job: number }
  | { readonly type: 'end' };

export type WorkerAnswer =
  | { readonly type: 'saved'; readonly job: number; readonly pieces: readonly SavedPiece[] }
  /** Undefined: the file is gone. */
  | {
      readonly type: 'read';
      readonly job: number;
      readonly pieces: readonly (SavedPiece | undefined)[];
    }
  | { readonly type: 'listed'; readonly job: number; readonly entries: readonly DataEntry[] }
  | { readonly type: 'tree'; readonly job: number; readonly id: string }
  | { readonly type: 'flushed'; readonly job: number }
  /** The repository of that number takes no more. */
  | { readonly type: 'sink-failed'; readonly sink: number; readonly failure: WorkerFailure }
  | { readonly type: 'failed'; readonly failure: WorkerFailure };

/** An error on its way from a thread. */
export interface WorkerFailure {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint: string | undefined;
}
