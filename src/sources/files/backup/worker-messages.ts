import type { MessagePort } from 'node:worker_threads';
import type { BlobId } from '../../../repository/thread.ts';
import type { Accounts } from './accounts.ts';
import type { SavedContent } from './content-text.ts';
import type { EntryRules } from './entry-rules.ts';
import type { WorkerFailure } from './worker-failure.ts';

// What the threads of a backup of files say to each other. Paths and names are byte text (byte-path.ts).

/** Folders that lead to what is backed up; an empty one is backed up itself, with all that is in it. */
export interface WantedNames {
  readonly [name: string]: WantedNames;
}

export interface FolderJob {
  /** '' is the root. */
  readonly path: string;
  /** The same folder in former snapshots, newest first. */
  readonly parents: readonly BlobId[];
  /** Only these entries, instead of all that a listing shows. */
  readonly wanted?: WantedNames | undefined;
  /** Only these entries; the answer is their nodes, no tree. */
  readonly names?: readonly string[] | undefined;
}

/** Chunks, one behind the other. The file stays open until all are answered: descriptors are the process's. */
export interface FileRange {
  readonly fd: number;
  readonly at: number;
  readonly lengths: readonly number[];
}

export type WorkerMessage =
  | {
      readonly type: 'job';
      readonly from: number;
      readonly number: number;
      readonly job: FolderJob;
    }
  /** `nodes` for a job with `names`, else `tree`; neither when it could not be read. */
  | {
      readonly type: 'done';
      readonly number: number;
      readonly tree?: BlobId | undefined;
      readonly nodes?: Uint8Array | undefined;
    }
  /** A part of a large file, to be read and saved. */
  | {
      readonly type: 'range';
      readonly from: number;
      readonly number: number;
      readonly range: FileRange;
    }
  /** The answer to it: what was saved, or what the file system said. */
  | { readonly type: 'saved'; readonly number: number; readonly content: SavedContent }
  | {
      readonly type: 'unread';
      readonly number: number;
      readonly code: string;
      readonly message: string;
    }
  | { readonly type: 'end' };

export type MainMessage =
  | { readonly type: 'done'; readonly tree: BlobId | undefined }
  | {
      readonly type: 'warning';
      readonly path: string;
      readonly problem: string;
      readonly isStored: boolean;
    }
  | { readonly type: 'wantTree'; readonly id: BlobId }
  /** All that this worker has saved of unfinished folders, each as a tree from the root. */
  | { readonly type: 'checkpoint'; readonly number: number; readonly trees: readonly BlobId[] }
  | { readonly type: 'ended' }
  | { readonly type: 'failed'; readonly failure: WorkerFailure };

export interface WorkerSetup {
  readonly number: number;
  readonly ports: readonly (MessagePort | undefined)[];
  readonly exchange: SharedArrayBuffer;
  /** First the grant of a sink comes here, then trees that were asked for; `suppliesSent` counts both. */
  readonly supplyPort: MessagePort;
  readonly suppliesSent: SharedArrayBuffer;
  /** Float64: see `countWord`. */
  readonly counts: SharedArrayBuffer;
  readonly accounts: Accounts;
  readonly rules: EntryRules;
}
