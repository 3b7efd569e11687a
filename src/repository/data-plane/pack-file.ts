import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { damaged } from '../format/json-shape.ts';
import { localError } from '../location/local-error.ts';

let buffer = new Uint8Array(0);
/** Larger packs get a buffer of their own, which is not kept. */
const maxKeptBytes = 64 * 1024 * 1024;

/** A whole pack of a local repository. A view that the next call overwrites. Errors: `location.*`. */
export function readPackFile(path: string): Uint8Array {
  try {
    const fd = openSync(path, 'r');
    try {
      const { size } = fstatSync(fd);
      let bytes = buffer;
      if (bytes.length < size) bytes = new Uint8Array(size);
      if (bytes.length <= maxKeptBytes) buffer = bytes;
      let filled = 0;
      while (filled < size) {
        const count = readSync(fd, bytes, filled, size - filled, filled);
        if (count === 0) throw damaged(`${path} ends early`);
        filled += count;
      }
      return bytes.subarray(0, size);
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    throw localError(error, `could not read ${path}`);
  }
}
