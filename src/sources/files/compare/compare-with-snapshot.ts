import { type BigIntStats, type Dirent, lstatSync, readdirSync } from 'node:fs';
import { throwIfAborted } from '../../../core/index.ts';
import {
  type BlobId,
  nameBytes,
  type Repository,
  type Snapshot,
  type TreeNode,
  walkTree,
} from '../../../repository/index.ts';
import { childPath, shownPath, systemPath } from '../backup/byte-path.ts';
import { EntryFilter } from '../backup/entry-rules.ts';
import { outermost } from '../backup/scan-tree.ts';
import { absolutePatterns, patternsMoved, rulesFromStored } from '../left-out-rules.ts';

/** A file that differs from what the snapshot has. Paths in byte text: see `byte-path.ts`. */
export interface ComparedFile {
  readonly kind: 'missing' | 'changed' | 'touched' | 'added';
  readonly path: string;
  readonly shown: string;
  /** As stored; absent of `added`. */
  readonly node?: TreeNode;
  /** Now; absent of `missing`. */
  readonly bytes?: number;
  readonly changedMs?: number;
}

export interface ComparedTotals {
  /** In the snapshot, of what was compared. */
  readonly before: { files: number; bytes: number };
  readonly now: { files: number; bytes: number };
  readonly same: number;
  readonly missingPaths: readonly string[];
  /** What could not be looked at, with the code of the error. It counts as neither missing nor there. */
  readonly unreadable: readonly { readonly path: string; readonly code: string }[];
  /** False: `untilMs` came first. */
  readonly isWhole: boolean;
}

export interface CompareOptions {
  readonly repository: Pick<Repository, 'readTree' | 'findNode'>;
  readonly snapshot: Snapshot;
  /** Absolute. */
  readonly paths: readonly string[];
  /** Where the only path is now, when that is not where it was; `folder` undefined: it is gone. `text`: for people. */
  readonly moved?: { readonly folder: string | undefined; readonly text: string };
  readonly oneFileSystem: boolean;
  /** performance.now() */
  readonly untilMs: number;
  readonly signal?: AbortSignal;
  readonly onFile: (file: ComparedFile) => void;
  readonly onProgress?: (files: number) => void;
}

/**
 * Compares the files under `paths` with a snapshot of them, by names, sizes and times as a backup does: `changed` has another size or
 * time, `touched` only another time of change of its inode. Reads no content. What the snapshot left out by its rules is left out here.
 */
export async function compareWithSnapshot(options: CompareOptions): Promise<ComparedTotals> {
  const comparison = new Comparison(options);
  const paths = outermost(options.paths);
  for (const path of paths) await comparison.addPath(path);
  return comparison.totals();
}

interface Folder {
  readonly path: string;
  readonly subtree: BlobId | undefined;
  readonly device: bigint | undefined;
}

type Looked = BigIntStats | 'unreadable' | undefined;

/** So many files are looked at before others get their turn. */
const turnFiles = 2000;

class Comparison {
  readonly #options: CompareOptions;
  readonly #filter: EntryFilter;
  readonly #before = { files: 0, bytes: 0 };
  readonly #now = { files: 0, bytes: 0 };
  readonly #missingPaths: string[] = [];
  readonly #unreadable: { path: string; code: string }[] = [];
  #same = 0;
  #isWhole = true;
  #sinceTurn = 0;

  constructor(options: CompareOptions) {
    this.#options = options;
    const rules = rulesFromStored(options.snapshot.excludes ?? []);
    const { moved, paths } = options;
    const [was = ''] = paths;
    const isElsewhere = moved?.folder !== undefined && moved.folder !== was;
    this.#filter = new EntryFilter({
      ...rules,
      patterns: isElsewhere
        ? absolutePatterns(patternsMoved(rules.patterns, was, moved.folder), [moved.folder])
        : absolutePatterns(rules.patterns, paths),
      oneFileSystem: options.oneFileSystem,
      withAtime: false,
      rereads: 0,
    });
  }

  totals(): ComparedTotals {
    return {
      before: this.#before,
      now: this.#now,
      same: this.#same,
      missingPaths: this.#missingPaths,
      unreadable: this.#unreadable,
      isWhole: this.#isWhole,
    };
  }

  async addPath(path: string): Promise<void> {
    const { repository, snapshot, oneFileSystem, moved } = this.#options;
    const node = await repository.findNode(snapshot.tree, path);
    const isGone = moved !== undefined && moved.folder === undefined;
    const bytePath = nameBytes(moved?.folder ?? path).toString('latin1');
    const facts = isGone ? undefined : this.#look(bytePath);
    if (facts === 'unreadable') return;
    if (facts === undefined) this.#missingPaths.push(moved?.text ?? path);
    if (!facts?.isDirectory()) {
      if (node?.subtree !== undefined) await this.#gone(bytePath, node.subtree);
      this.#compareFile(bytePath, node, facts?.isFile() ? facts : undefined);
      return;
    }
    const device = oneFileSystem ? facts.dev : undefined;
    const folders: Folder[] = [
      { path: bytePath === '/' ? '' : bytePath, subtree: node?.subtree, device },
    ];
    for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
      if (!(await this.#mayGoOn())) return;
      folders.push(...(await this.#compareFolder(folder)));
    }
  }

  async #compareFolder({ path, subtree, device }: Folder): Promise<readonly Folder[]> {
    const { repository, signal } = this.#options;
    const nodes = subtree === undefined ? [] : await repository.readTree(subtree, signal);
    const entries = this.#list(path);
    if (entries === undefined) return [];
    const kept = new Set(this.#filter.besideMarks(path, [...entries.keys()]));
    const inside: Folder[] = [];
    const seen = new Set<string>();
    for (const node of nodes) {
      const name = nameBytes(node.name).toString('latin1');
      const [entry, at] = [entries.get(name), childPath(path, name)];
      seen.add(name);
      if (!(await this.#mayGoOn())) return [];
      if (node.subtree !== undefined) {
        if (entry?.isDirectory()) inside.push({ path: at, subtree: node.subtree, device });
        else await this.#gone(at, node.subtree);
      }
      this.#compareFile(at, node, entry?.isFile() ? this.#look(at) : undefined);
    }
    for (const [name, entry] of entries) {
      const [isFolder, at] = [entry.isDirectory(), childPath(path, name)];
      if (seen.has(name) || !kept.has(name) || this.#filter.isExcluded(at, isFolder)) continue;
      if (!(await this.#mayGoOn())) return [];
      if (isFolder) {
        if (device === undefined || this.#deviceOf(at) === device)
          inside.push({ path: at, subtree: undefined, device });
      } else if (entry.isFile()) {
        const facts = this.#look(at);
        const isTooLarge = typeof facts === 'object' && this.#filter.isTooLarge(facts.size);
        if (!isTooLarge) this.#compareFile(at, undefined, facts);
      }
    }
    return inside;
  }

  /** A folder of the snapshot with all that was in it. */
  async #gone(path: string, subtree: BlobId): Promise<void> {
    const { repository, signal } = this.#options;
    for await (const { path: at, node } of walkTree(repository, subtree, {
      under: shownPath(path),
      signal,
    })) {
      if (!(await this.#mayGoOn())) return;
      this.#compareFile(nameBytes(at).toString('latin1'), node, undefined);
    }
  }

  #compareFile(path: string, node: TreeNode | undefined, facts: Looked): void {
    const { onFile } = this.#options;
    this.#sinceTurn++;
    if (facts === 'unreadable') return;
    const was = node?.type === 'file' ? node : undefined;
    if (was !== undefined) {
      this.#before.files++;
      this.#before.bytes += was.sizeBytes ?? 0;
    }
    const shown = shownPath(path);
    if (facts === undefined) {
      if (was !== undefined) onFile({ kind: 'missing', path, shown, node: was });
      return;
    }
    const bytes = Number(facts.size);
    this.#now.files++;
    this.#now.bytes += bytes;
    const changedMs = Number(facts.mtimeNs / 1_000_000n);
    if (was === undefined) {
      onFile({ kind: 'added', path, shown, bytes, changedMs });
      return;
    }
    const isChanged = bytes !== (was.sizeBytes ?? 0) || facts.mtimeNs !== was.mtimeNs;
    const isTouched = was.ctimeNs !== undefined && facts.ctimeNs !== was.ctimeNs;
    if (!isChanged) this.#same++;
    if (!(isChanged || isTouched)) return;
    // Whoever sets the time of content back cannot set this one.
    const newest = isChanged ? changedMs : Number(facts.ctimeNs / 1_000_000n);
    const kind = isChanged ? 'changed' : 'touched';
    onFile({ kind, path, shown, node: was, bytes, changedMs: newest });
  }

  async #mayGoOn(): Promise<boolean> {
    const { signal, untilMs, onProgress } = this.#options;
    if (this.#sinceTurn >= turnFiles) {
      this.#sinceTurn = 0;
      onProgress?.(this.#before.files);
      await new Promise((resolve) => setImmediate(resolve));
    }
    throwIfAborted(signal);
    if (performance.now() < untilMs) return true;
    this.#isWhole = false;
    return false;
  }

  #deviceOf(path: string): bigint | undefined {
    const facts = this.#look(path);
    return typeof facts === 'object' ? facts.dev : undefined;
  }

  #look(path: string): Looked {
    try {
      return lstatSync(systemPath(path), { bigint: true });
    } catch (error) {
      return this.#isAbsent(path, error) ? undefined : 'unreadable';
    }
  }

  /** Nothing of a folder that is not there, undefined of one that cannot be read. */
  #list(folder: string): ReadonlyMap<string, Dirent> | undefined {
    try {
      const options = { encoding: 'latin1', withFileTypes: true } as const;
      const entries = readdirSync(systemPath(folder === '' ? '/' : folder), options);
      return new Map(entries.map((entry) => [entry.name, entry]));
    } catch (error) {
      return this.#isAbsent(folder, error) ? new Map() : undefined;
    }
  }

  /** Without a right, or on a failing disk, nothing is known. */
  #isAbsent(path: string, error: unknown): boolean {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown';
    if (code === 'ENOENT' || code === 'ENOTDIR') return true;
    this.#unreadable.push({ path: shownPath(path), code });
    return false;
  }
}
