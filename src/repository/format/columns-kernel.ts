import { loadKernel } from '../../core/index.ts';

export const idBytes = 32;
export const placeWords = 4;
/** As the kernel has a pack: its name, and the row at which it begins. */
export const packEntryBytes = 36;
/** The kernel may look so far behind what it was given. */
const overreadBytes = 192;
const pages = 16;

interface Exports {
  inputAt(): number;
  inputBytes(): number;
  mostRows(): number;
  idsAt(): number;
  placesAt(): number;
  packsAt(): number;
  begin(): void;
  scan(length: number, isLast: boolean): number;
  unpack(length: number): number;
  write(rows: number): number;
  rowCount(): number;
  packCount(): number;
  isAtEnd(): number;
}

/** `kernels/index-columns.ts` with views on its memory. One a thread: each use begins anew. */
export interface ColumnsKernel {
  readonly calls: Exports;
  readonly input: Uint8Array;
  readonly ids: Uint8Array;
  readonly places: Uint32Array;
  readonly packs: Buffer;
  /** Puts a piece into the input. */
  give(piece: Uint8Array): void;
}

let shared: ColumnsKernel | 'none' | undefined;

/** Undefined where it cannot be had, as on processors without SSE4.1: everything it does goes without it, more slowly. */
export function columnsKernel(): ColumnsKernel | undefined {
  if (shared === undefined) {
    try {
      shared = load();
    } catch {
      shared = 'none';
    }
  }
  return shared === 'none' ? undefined : shared;
}

function load(): ColumnsKernel {
  const { exports: calls, memory } = loadKernel<Exports>('index-columns', pages);
  const { buffer } = memory;
  const input = memory.subarray(calls.inputAt(), calls.inputAt() + calls.inputBytes());
  const end = calls.inputAt() + calls.inputBytes();
  return {
    calls,
    input,
    ids: memory.subarray(calls.idsAt(), calls.placesAt()),
    places: new Uint32Array(buffer, calls.placesAt(), calls.mostRows() * placeWords),
    packs: Buffer.from(buffer, calls.packsAt()),
    give(piece) {
      input.set(piece);
      const after = calls.inputAt() + piece.length;
      memory.fill(0, after, Math.min(after, end) + overreadBytes);
    },
  };
}
