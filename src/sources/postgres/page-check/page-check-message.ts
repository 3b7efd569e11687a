export interface PageCheckSetup {
  readonly pageSizeBytes: number;
}

export interface PageCheckRequest {
  readonly path: string;
  /** Number of the file's first block within its relation. */
  readonly firstBlock: number;
}

export type PageCheckAnswer = CheckedPages | { readonly type: 'unreadable'; readonly code: string };

export interface CheckedPages {
  readonly type: 'checked';
  readonly bytes: number;
  /** Blocks of the relation whose checksum is wrong, in order. */
  readonly failed: readonly number[];
  /** What follows the last whole page: the file was cut. */
  readonly restBytes?: number;
}
