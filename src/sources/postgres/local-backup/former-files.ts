import {
  type FileContents,
  fileContents,
  isDamage,
  type Repository,
} from '../../../repository/index.ts';
import { type ChunkSums, chunkSumsPath, parseChunkSums } from '../base-backup/chunk-sums.ts';
import type { StoredBackup } from '../base-backup/stored-backups.ts';

type Folder = ReadonlyMap<string, FileContents>;

const idBytes = 32;

/** A file of the former backup. */
export interface FormerFile {
  readonly sizeBytes: number;
  /** Raw, one behind the other. */
  readonly ids: Uint8Array;
  readonly sums: Uint32Array;
}

/** What the former backup holds of relation files, folder by folder: never more than one folder's in memory. */
export class FormerFiles {
  readonly #repository: Repository;
  readonly #former: StoredBackup;
  readonly #sums: ChunkSums;
  readonly #damaged: ReadonlySet<string>;
  #folder: { readonly path: string; readonly files: Folder } | undefined;

  private constructor(repository: Repository, former: StoredBackup, sums: ChunkSums) {
    this.#repository = repository;
    this.#former = former;
    this.#sums = sums;
    this.#damaged = new Set(former.info.damagedPages.map(({ path }) => path));
  }

  /** Undefined when the former backup does not tell the checksums of its chunks. */
  static async open(
    repository: Repository,
    former: StoredBackup,
    signal: AbortSignal | undefined,
  ): Promise<FormerFiles | undefined> {
    const node = await repository.findNode(former.snapshot.tree, chunkSumsPath);
    if (node?.type !== 'file') return undefined;
    const parts: Uint8Array[] = [];
    for (const id of node.content ?? []) parts.push(await repository.readBlob('data', id, signal));
    const sums = parseChunkSums(Buffer.concat(parts));
    return sums && new FormerFiles(repository, former, sums);
  }

  get chunkSizeBytes(): number {
    return this.#sums.chunkSizeBytes;
  }

  /** A WAL segment of the former backup, part by part; none when it has no segment of that name. */
  async *wal(segment: string): AsyncIterable<Uint8Array> {
    const path = `/data/pg_wal/${segment}`;
    const node = await this.#repository.findNode(this.#former.snapshot.tree, path);
    yield* this.#repository.readFileContent(node?.content ?? []);
  }

  /** `path` in the data directory. Undefined when there was none, or it is not to be built upon. */
  async find(path: string): Promise<FormerFile | undefined> {
    if (this.#damaged.has(path)) return undefined;
    const sums = this.#sums.of(path);
    if (sums === undefined) return undefined;
    const cut = path.lastIndexOf('/');
    const file = (await this.#filesIn(path.slice(0, cut))).get(path.slice(cut + 1));
    if (file === undefined || file.ids.length !== sums.length * idBytes) return undefined;
    return { ...file, sums };
  }

  async #filesIn(path: string): Promise<Folder> {
    if (this.#folder?.path !== path) {
      // Before the next one is read.
      this.#folder = undefined;
      this.#folder = { path, files: await this.#read(path) };
    }
    return this.#folder.files;
  }

  /** What is damaged is nothing to build upon: its files are read as new ones. */
  async #read(path: string): Promise<Folder> {
    try {
      const node = await this.#repository.findNode(this.#former.snapshot.tree, `/data/${path}`);
      const tree = node?.subtree && (await this.#repository.readBlob('tree', node.subtree));
      return tree ? fileContents(tree) : new Map();
    } catch (error) {
      if (isDamage(error)) return new Map();
      throw error;
    }
  }
}
