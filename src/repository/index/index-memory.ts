import { LifeboatError } from '../../core/index.ts';

/** The memory of a blob index, which other threads may look into. Growing it moves nothing. */
export interface IndexMemory {
  /** Int32: see `control`. */
  readonly control: SharedArrayBuffer;
  /** 32 bytes per row. */
  readonly ids: SharedArrayBuffer;
  /** Four Uint32 per row: pack number (top bit: a tree), offset, length, uncompressed length. */
  readonly places: SharedArrayBuffer;
  /** Uint32 per slot: row number plus one, or 0. A power of two. */
  readonly table: SharedArrayBuffer;
  /** 32 bytes per pack. */
  readonly packNames: SharedArrayBuffer;
}

/** Words of `control`. */
export const control = {
  /** Odd while the owner changes anything. */
  version: 0,
  rows: 1,
  packs: 2,
} as const;

export const idBytes = 32;
export const placeWords = 4;
export const treeBit = 0x80000000;
const firstSlots = 2048;

/** Only addresses are set aside, no memory: for the blobs of some ten terabytes of small files. */
const mostRows = [2 ** 29, 2 ** 26, 2 ** 22];

/** Errors: `bug` where not even a small index finds room. */
export function createIndexMemory(): IndexMemory {
  for (const rows of mostRows) {
    try {
      const table = reserve(rows * 2 * 4);
      table.grow(firstSlots * 4);
      return {
        control: new SharedArrayBuffer(16),
        ids: reserve(rows * idBytes),
        places: reserve(rows * placeWords * 4),
        table,
        packNames: reserve(rows * 2),
      };
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
    }
  }
  throw new LifeboatError('bug', 'no address space is left for an index of blobs', {
    hint: 'Raise the limit of virtual memory (`ulimit -v`).',
  });
}

function reserve(bytes: number): SharedArrayBuffer {
  return new SharedArrayBuffer(0, { maxByteLength: bytes });
}
