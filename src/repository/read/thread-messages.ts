import type { ErrorCode, ErrorContext } from '../../core/index.ts';
import type { EnvelopeKey } from '../crypto/envelope.ts';
import type { IndexMemory } from '../index/index-memory.ts';

// What the main thread and a reader thread say to each other.

export interface ReaderSetup {
  readonly masterKey: EnvelopeKey;
  readonly index: IndexMemory;
  /** The repository's folder, where the thread reads packs itself; absent when they are asked of the main thread. */
  readonly folder: string | undefined;
  /** URL of the module that handles requests, and what it is started with. */
  readonly module: string;
  readonly setup: unknown;
}

export type ToReader =
  | { readonly type: 'end' }
  | { readonly type: 'request'; readonly job: number; readonly request: unknown }
  | { readonly type: 'fetched'; readonly fetch: number; readonly bytes: Uint8Array }
  | { readonly type: 'notFetched'; readonly fetch: number; readonly error: SentError };

export type FromReader =
  | { readonly type: 'answer'; readonly job: number; readonly answer: unknown }
  | { readonly type: 'failed'; readonly job: number; readonly error: SentError }
  | {
      readonly type: 'fetch';
      readonly fetch: number;
      readonly pack: string;
      readonly offset: number;
      readonly length: number;
    };

/** An error on its way to another thread. */
export interface SentError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint: string | undefined;
  readonly context: ErrorContext;
}
