import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { damaged } from '../format/json-shape.ts';
import { localReadError } from '../location/local-error.ts';

/** A pack that is read piece by piece. */
export interface PackSource {
  readonly sizeBytes: number;
  /** Within the size. A view that the next call overwrites. Errors: `location.*`, `repository.damaged`. */
  read(offset: number, length: number): Uint8Array;
}

export function packInMemory(bytes: Uint8Array): PackSource {
  return {
    sizeBytes: bytes.length,
    read: (offset, length) => bytes.subarray(offset, offset + length),
  };
}

let buffer = new Uint8Array(0);
/** Larger pieces get a buffer of their own, which is not kept. */
const maxKeptBytes = 16 * 1024 * 1024;

/** Opens a pack of a local repository for `use`. Errors: `location.*`. */
export function withPackFile<Result>(path: string, use: (pack: PackSource) => Result): Result {
  const locally = <Value>(work: () => Value): Value => {
    try {
      return work();
    } catch (error) {
      throw localReadError(error, `could not read ${path}`);
    }
  };
  const fd = locally(() => openSync(path, 'r'));
  try {
    const { size: sizeBytes } = locally(() => fstatSync(fd));
    return use({
      sizeBytes,
      read(offset, length) {
        let bytes = buffer;
        if (bytes.length < length) bytes = new Uint8Array(length);
        if (bytes.length <= maxKeptBytes) buffer = bytes;
        let filled = 0;
        while (filled < length) {
          const count = locally(() =>
            readSync(fd, bytes, filled, length - filled, offset + filled),
          );
          if (count === 0) throw damaged(`${path} ends early`);
          filled += count;
        }
        return bytes.subarray(0, length);
      },
    });
  } finally {
    closeSync(fd);
  }
}
