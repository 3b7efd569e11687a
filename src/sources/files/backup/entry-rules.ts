import { closeSync, openSync, readSync } from 'node:fs';
import ignore from 'ignore';
import type { PresenceMark } from '../left-out-rules.ts';
import { childPath, shownPath, systemPath } from './byte-path.ts';

/** Which entries are left out. Plain data: it goes to the workers. */
export interface EntryRules {
  /** As in a .gitignore at the root of the file system. */
  readonly patterns: readonly string[];
  readonly presenceMarks: readonly PresenceMark[];
  readonly oneFileSystem: boolean;
  readonly maxFileBytes: number | undefined;
  readonly withAtime: boolean;
  /** Every inode is new each time: only other content means that a file has changed. */
  readonly isCopy?: boolean;
  /** How often a file is read again that changes meanwhile. */
  readonly rereads: number;
  /** The repository's, where content is cut as restic cuts it. */
  readonly rabinPolynomial?: bigint | undefined;
}

export class EntryFilter {
  readonly #rules: EntryRules;
  readonly #ignore: ReturnType<typeof ignore> | undefined;

  constructor(rules: EntryRules) {
    this.#rules = rules;
    if (rules.patterns.length === 0) return;
    this.#ignore = ignore({ ignorecase: false }).add(rules.patterns);
  }

  isExcluded(path: string, isFolder: boolean): boolean {
    if (this.#ignore === undefined) return false;
    return this.#ignore.ignores(`${shownPath(path).slice(1)}${isFolder ? '/' : ''}`);
  }

  isTooLarge(bytes: bigint): boolean {
    const { maxFileBytes } = this.#rules;
    return maxFileBytes !== undefined && Number(bytes) > maxFileBytes;
  }

  /** The names of a folder without what a mark in it excludes: the mark itself stays. */
  besideMarks(folder: string, names: readonly string[]): readonly string[] {
    const found = this.#rules.presenceMarks.find(
      (mark) => names.includes(mark.name) && isMark(childPath(folder, mark.name), mark.header),
    );
    return found === undefined ? names : [found.name];
  }
}

function isMark(path: string, header: string | undefined): boolean {
  if (header === undefined) return true;
  try {
    const fd = openSync(systemPath(path), 'r');
    try {
      const bytes = Buffer.alloc(header.length);
      readSync(fd, bytes, 0, header.length, 0);
      return bytes.toString('latin1') === header;
    } finally {
      closeSync(fd);
    }
  } catch {
    return false;
  }
}
