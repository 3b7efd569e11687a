import type { ErrorCode, ErrorContext } from '../../core/index.ts';
import type { EnvelopeKey } from '../crypto/envelope.ts';
import type { IndexedPack, PackedBlob } from '../format/index-file.ts';
import type { TreeReferences } from '../format/tree-references.ts';
import type { OpenedFile, SealedFile } from '../log/nested-file.ts';
import type { NestedHeader } from '../log/nested-header.ts';
import type { NestedFolder } from '../log/nested-keys.ts';
import type { BlobId, BlobType } from '../repository.ts';
import type { BlobToMove, MovedPack } from './repack-blobs.ts';

// What the main thread and a blob worker say to each other. Buffers are transferred, never copied. A worker
// handles messages in order; every request with a `job` gets exactly one answer with that number.

export interface WorkerSetup {
  readonly masterKey: EnvelopeKey;
}

/** A blob inside one of the stored pieces that came with a decode request. */
export interface WantedBlob {
  readonly id: BlobId;
  readonly piece: number;
  /** Within the piece. */
  readonly offset: number;
  readonly length: number;
  readonly uncompressedLength: number;
  /** Where in the answer its plain bytes go; several places when a content repeats it. */
  readonly targets: readonly number[];
}

/** A tree inside one of the stored pieces. */
export interface WantedTree extends Omit<WantedBlob, 'targets'> {
  readonly pack: string;
}

export type WorkerRequest =
  /** Hash the blobs and keep them until `store`. Answer: `hashed`. */
  | {
      readonly type: 'hash';
      readonly job: number;
      readonly blobType: BlobType;
      readonly blobs: readonly Uint8Array[];
    }
  /** Pack the kept blobs of job `hashed` that are wanted, and forget them all. Answer: `stored`. */
  | {
      readonly type: 'store';
      readonly job: number;
      readonly session: number;
      readonly hashed: number;
      readonly wanted: readonly boolean[];
    }
  /** Open blobs with another repository's key, verify them and pack them for a session. Answer: `resealed`. */
  | {
      readonly type: 'reseal';
      readonly job: number;
      readonly session: number;
      readonly key: EnvelopeKey;
      readonly piece: Uint8Array;
      /** Offsets are within the piece. */
      readonly blobs: readonly PackedBlob[];
    }
  /** Finish the open packs of a session. Answer: `flushed`, after their `pack` messages. */
  | { readonly type: 'flush'; readonly job: number; readonly session: number }
  /** There will be no more. No answer. */
  | { readonly type: 'end' }
  /** Forget a session's open packs. No answer. */
  | { readonly type: 'close'; readonly session: number }
  /** A written pack's buffer, for the next pack. No answer. */
  | { readonly type: 'recycle'; readonly buffer: ArrayBuffer }
  /** Answer: `decoded`. */
  | {
      readonly type: 'decode';
      readonly job: number;
      readonly pieces: readonly Uint8Array[];
      readonly blobs: readonly WantedBlob[];
      readonly plainBytes: number;
    }
  /** Answer: `checked`. */
  | {
      readonly type: 'checkPack';
      readonly job: number;
      readonly name: string;
      /** The stored bytes, or the file on this machine that the worker reads itself. */
      readonly from: { readonly bytes: Uint8Array } | { readonly file: string };
      /** See `packBlobList`. */
      readonly blobs: Uint8Array;
    }
  /** Decode trees and answer what they name: `references`. */
  | {
      readonly type: 'references';
      readonly job: number;
      readonly pieces: readonly Uint8Array[];
      readonly trees: readonly WantedTree[];
      /** Everything in a node must be right, not only what it names. */
      readonly isStrict: boolean;
    }
  /** Verify stored blobs and put them into a new pack. Answer: `repacked`. */
  | {
      readonly type: 'repack';
      readonly job: number;
      readonly pieces: readonly Uint8Array[];
      readonly blobs: readonly BlobToMove[];
    }
  /** Seal a file of the nested area. Answer: `nestedSealed`. */
  | {
      readonly type: 'sealNested';
      readonly job: number;
      readonly folder: NestedFolder;
      readonly header: Omit<NestedHeader, 'lengthBytes'>;
      readonly payload: Uint8Array;
    }
  /** Open a file of the nested area. Answer: `nestedOpened`. */
  | {
      readonly type: 'openNested';
      readonly job: number;
      readonly folder: NestedFolder;
      readonly name: string;
      readonly bytes: Uint8Array;
      /** For the payload, if that is as long. */
      readonly room: Uint8Array | undefined;
    };

export type WorkerAnswer =
  | { readonly type: 'hashed'; readonly job: number; readonly ids: readonly BlobId[] }
  | { readonly type: 'stored'; readonly job: number }
  /** With those that could not be; all others are packed. */
  | { readonly type: 'resealed'; readonly job: number; readonly problems: readonly BlobProblem[] }
  | { readonly type: 'flushed'; readonly job: number }
  | { readonly type: 'decoded'; readonly job: number; readonly plain: Uint8Array }
  /** Of all trees together; a content may be there several times. */
  | { readonly type: 'references'; readonly job: number; readonly references: TreeReferences }
  | { readonly type: 'checked'; readonly job: number; readonly problems: readonly PackProblem[] }
  | { readonly type: 'repacked'; readonly job: number; readonly pack: MovedPack }
  | { readonly type: 'nestedSealed'; readonly job: number; readonly sealed: SealedFile }
  | { readonly type: 'nestedOpened'; readonly job: number; readonly opened: OpenedFile }
  | {
      readonly type: 'failed';
      readonly job: number;
      readonly code: ErrorCode;
      readonly message: string;
      readonly hint: string | undefined;
      readonly context: ErrorContext;
    };

/** Sent without being asked, whenever a pack is full or flushed. */
export interface PackMessage {
  readonly type: 'pack';
  readonly session: number;
  readonly pack: IndexedPack;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

export interface BlobProblem {
  readonly blob: PackedBlob;
  readonly problem: string;
}

/** What is wrong in a pack; `blob` absent when it is the pack itself. */
export interface PackProblem {
  readonly blob?: { readonly id: BlobId; readonly type: BlobType };
  readonly problem: string;
}
