import { nameFromBytes } from '../../../repository/thread.ts';

// Paths are bytes on Unix. In the workers a path is "byte text": a string whose characters 0 to 255 stand for its bytes, which
// sorts as bytes do and is cheap to join.

/** A path as Node's file functions take it. */
export function systemPath(path: string): string | Buffer {
  return isAscii(path) ? path : Buffer.from(path, 'latin1');
}

/** A path for people. */
export function shownPath(path: string): string {
  return isAscii(path) ? path : nameFromBytes(Buffer.from(path, 'latin1'));
}

/** `/` is the empty folder path here, so that every child is `folder/name`. */
export function childPath(folder: string, name: string): string {
  return `${folder}/${name}`;
}

function isAscii(path: string): boolean {
  return !/[\x80-\xff]/.test(path);
}
