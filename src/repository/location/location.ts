import type { LocationAbilities } from './location-abilities.ts';
import type { ObjectLock } from './object-lock.ts';
import type { StoredHistory } from './stored-history.ts';

/** The kinds of file a repository consists of. `config` has exactly one file, named `config`. */
export type FileKind = 'config' | 'keys' | 'locks' | 'snapshots' | 'index' | 'data';

export const fileKinds: readonly FileKind[] = [
  'config',
  'keys',
  'locks',
  'snapshots',
  'index',
  'data',
];

export interface FileInfo {
  readonly name: string;
  readonly sizeBytes: number;
}

export interface ByteRange {
  readonly offset: number;
  readonly length: number;
}

/**
 * A dumb store of named files: where a repository lives. Every member of the family passes
 * `location-contract.ts`. Errors: `location.unreachable` (retryable), `location.refused`,
 * `location.file-missing`, `disk.full`.
 */
export interface Location {
  readonly kind: string;
  /** For people: a path or URL, never with credentials. */
  describe(): string;
  /** Makes the empty structure; harmless when it exists. */
  create(signal?: AbortSignal): Promise<void>;
  /** All files of a kind whose name is a 64-digit hex hash (any other file is ignored). Unsorted.
   * An absent folder is an empty list. For `config`: one entry or none. */
  list(kind: FileKind, signal?: AbortSignal): Promise<readonly FileInfo[]>;
  /** The whole file or exactly `range`. A short answer is an error, never a short result. */
  read(kind: FileKind, name: string, range?: ByteRange, signal?: AbortSignal): Promise<Uint8Array>;
  /** Durable and whole when it resolves; invisible to `list` and `read` before. Writing a file that
   * exists is harmless for hash-named kinds (same name, same bytes) and refused for `config`. */
  write(kind: FileKind, name: string, bytes: Uint8Array, signal?: AbortSignal): Promise<void>;
  /** A missing file is no error. */
  remove(kind: FileKind, name: string, signal?: AbortSignal): Promise<void>;
  /** A repository-shaped area in a folder inside this location. */
  nested(folder: string): Location;
  /** Only where copies are kept nearby: the place itself. What must see the truth (check, repair) reads there. */
  readonly direct?: Location | undefined;
  /** When a file was written, by the clock of the place; undefined when it does not tell, or there is no such file. */
  modifiedAt?(kind: FileKind, name: string, signal?: AbortSignal): Promise<Date | undefined>;
  /** The clock of the place, to the second; for places that do not tell when a file was written. */
  now?(signal?: AbortSignal): Promise<Date | undefined>;
  /** A hint: these data files hold trees, which are read often and in small parts. */
  expectTrees?(packs: Iterable<string>): void;
  /** Only where the location was opened with a time for which everything is to stay. */
  readonly objectLock?: ObjectLock | undefined;
  /** Tries what the place can do, for `init` and `doctor`. May write and remove a small file in `lifeboat/locks/`. */
  probe?(signal?: AbortSignal): Promise<LocationAbilities | undefined>;
  /** Where several configs may be stored: all of them, the oldest first. The first one that decrypts is the repository's. */
  configVersions?(signal?: AbortSignal): Promise<readonly Uint8Array[] | undefined>;
  /** Where former versions of files are kept: what was put over or taken out of sight, and when. */
  history?(signal?: AbortSignal): Promise<StoredHistory | undefined>;
  /** Ends what the location keeps running (a child process, connections). A later call starts it anew. */
  close?(): Promise<void>;
}
