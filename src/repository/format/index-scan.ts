import { loadKernel, type WasmKernel } from '../../core/index.ts';
import { envelopeOverhead } from '../crypto/envelope.ts';
import { maxBlobBytes } from './index-file.ts';

/** The packs and blobs of an index file as columns: a fraction of what objects with texts take to make, and to hold. */
export interface IndexColumns {
  readonly packs: readonly ScannedPack[];
  /** 32 bytes a blob, pack after pack. */
  readonly ids: Uint8Array;
  /** Four words a blob: 1 for a tree, offset, length, uncompressed length. */
  readonly places: Uint32Array;
}

export interface ScannedPack {
  readonly name: string;
  /** Its first blob among all of the file. */
  readonly firstRow: number;
}

interface ScanExports {
  inputAt(): number;
  inputBytes(): number;
  idsAt(): number;
  placesAt(): number;
  packsAt(): number;
  begin(): void;
  scan(length: number, isLast: boolean): number;
  rowCount(): number;
  packCount(): number;
  isAtEnd(): number;
}

const idBytes = 32;
const placeWords = 4;
/** As the kernel has them: a name, and where it begins. */
const packEntryBytes = 36;
/** The shortest entry of a blob, with its comma. */
const leastEntryBytes = 111;
/** The kernel may look so far behind what it was given. */
const overreadBytes = 192;
const kernelPages = 16;

let shared: WasmKernel<ScanExports> | undefined;

/**
 * Reads an index file that is exactly as restic and this program write it, in a fraction of the time that JSON takes.
 * Undefined when anything at all is otherwise, be it that the file is damaged: `decodeIndex` then tells.
 */
export function scanIndex(json: Uint8Array): IndexColumns | undefined {
  shared ??= loadKernel<ScanExports>('index-scan', kernelPages);
  const { exports: kernel, memory } = shared;
  const [inputAt, mostBytes] = [kernel.inputAt(), kernel.inputBytes()];
  const most = Math.ceil(json.length / leastEntryBytes);
  const ids = new Uint8Array(most * idBytes);
  const places = new Uint32Array(most * placeWords);
  const packs: ScannedPack[] = [];
  let rows = 0;
  kernel.begin();
  for (let at = 0; ; ) {
    const piece = json.subarray(at, at + mostBytes);
    const isLast = at + piece.length === json.length;
    memory.set(piece, inputAt);
    memory.fill(0, inputAt + piece.length, inputAt + piece.length + overreadBytes);
    const taken = kernel.scan(piece.length, isLast);
    if (taken <= 0) return undefined;
    takePacks(memory, kernel, rows, packs);
    const count = kernel.rowCount();
    const [idsAt, placesAt] = [kernel.idsAt(), kernel.placesAt()];
    ids.set(memory.subarray(idsAt, idsAt + count * idBytes), rows * idBytes);
    const words = new Uint32Array(memory.buffer, placesAt, count * placeWords);
    places.set(words, rows * placeWords);
    rows += count;
    at += taken;
    if (isLast) {
      if (at !== json.length || kernel.isAtEnd() === 0) return undefined;
      break;
    }
  }
  const columns = {
    packs,
    ids: ids.subarray(0, rows * idBytes),
    places: places.subarray(0, rows * placeWords),
  };
  return isPossible(columns) ? columns : undefined;
}

function takePacks(
  memory: Uint8Array,
  kernel: ScanExports,
  rowsBefore: number,
  packs: ScannedPack[],
): void {
  const list = Buffer.from(memory.buffer, kernel.packsAt(), kernel.packCount() * packEntryBytes);
  for (let at = 0; at < list.length; at += packEntryBytes) {
    const name = list.toString('hex', at, at + idBytes);
    packs.push({ name, firstRow: rowsBefore + list.readUInt32LE(at + idBytes) });
  }
}

/** The limits of `decodeIndex`. */
function isPossible({ places }: IndexColumns): boolean {
  for (let at = 0; at < places.length; at += placeWords) {
    const length = places[at + 2] as number;
    if (length <= envelopeOverhead || length > maxBlobBytes) return false;
    if ((places[at + 3] as number) > maxBlobBytes) return false;
  }
  return true;
}
