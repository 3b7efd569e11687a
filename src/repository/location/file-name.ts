import { assert } from '../../core/index.ts';
import type { FileKind } from './location.ts';

const hashName = /^[0-9a-f]{64}$/;

/** True for the only names (besides `config`) that a repository file may have. */
export function isHashName(name: string): boolean {
  return hashName.test(name);
}

/** Guards every path or URL that is built from a name: nothing but a hash, or `config`, gets through. */
export function assertFileName(kind: FileKind, name: string): void {
  assert(kind === 'config' ? name === 'config' : isHashName(name), `${kind} name is no hash`);
}

/** Guards `nested`: one plain folder that is none of the kinds of the repository around it. */
export function assertFolderName(folder: string): void {
  assert(/^[a-z][a-z0-9-]*$/.test(folder), 'a nested area has a plain lower-case name');
}
