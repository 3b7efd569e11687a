import { type BigIntStats, type Dirent, lstatSync, readdirSync } from 'node:fs';
import { childPath, systemPath } from './byte-path.ts';
import { EntryFilter, type EntryRules } from './entry-rules.ts';

export interface ScannedTotals {
  readonly files: number;
  readonly bytes: number;
}

/**
 * What a backup will meet, by names and sizes alone: an estimate for whoever watches. Nothing is read, what cannot be looked at is passed
 * over. `paths` in byte text, none inside of another.
 */
export function scanTree(paths: readonly string[], rules: EntryRules): ScannedTotals {
  const scan = new TreeScan(rules);
  for (const path of paths) scan.addRoot(path);
  return scan.totals;
}

class TreeScan {
  readonly totals = { files: 0, bytes: 0 };
  readonly #filter: EntryFilter;
  readonly #oneFileSystem: boolean;

  constructor(rules: EntryRules) {
    this.#filter = new EntryFilter(rules);
    this.#oneFileSystem = rules.oneFileSystem;
  }

  addRoot(path: string): void {
    const facts = look(path);
    if (facts?.isFile()) this.#addFile(facts);
    if (!facts?.isDirectory()) return;
    const device = this.#oneFileSystem ? facts.dev : undefined;
    const folders = [path === '/' ? '' : path];
    for (;;) {
      const folder = folders.pop();
      if (folder === undefined) return;
      this.#addFolder(folder, device, folders);
    }
  }

  #addFolder(folder: string, device: bigint | undefined, folders: string[]): void {
    const entries = list(folder);
    const kept = new Set(this.#filter.besideMarks(folder, [...entries.keys()]));
    for (const [name, entry] of entries) {
      const isFolder = entry.isDirectory();
      if (!(isFolder || entry.isFile()) || !kept.has(name)) continue;
      const path = childPath(folder, name);
      if (this.#filter.isExcluded(path, isFolder)) continue;
      // A folder need not be looked at to know that it is one.
      const facts = isFolder && device === undefined ? undefined : look(path);
      if (!isFolder) this.#addFile(facts);
      else if (device === undefined || facts?.dev === device) folders.push(path);
    }
  }

  #addFile(facts: BigIntStats | undefined): void {
    if (facts === undefined || this.#filter.isTooLarge(facts.size)) return;
    this.totals.files++;
    this.totals.bytes += Number(facts.size);
  }
}

function look(path: string): BigIntStats | undefined {
  try {
    return lstatSync(systemPath(path), { bigint: true });
  } catch {
    return undefined;
  }
}

function list(folder: string): ReadonlyMap<string, Dirent> {
  try {
    const options = { encoding: 'latin1', withFileTypes: true } as const;
    const entries = readdirSync(systemPath(folder === '' ? '/' : folder), options);
    return new Map(entries.map((entry) => [entry.name, entry]));
  } catch {
    return new Map();
  }
}

/** Those that lie in no other one. */
export function outermost(paths: readonly string[]): readonly string[] {
  return paths.filter(
    (path) =>
      !paths.some(
        (other) => other !== path && `${path}/`.startsWith(other === '/' ? '/' : `${other}/`),
      ),
  );
}
