import { LifeboatError } from '../../../core/index.ts';
import type { BlobId } from '../../../repository/index.ts';
import type { FileContent } from './file-content.ts';
import { encodeFolder } from './folder-tree.ts';

export interface EntryOwner {
  readonly uid: number;
  readonly gid: number;
  readonly mtimeSeconds: number;
}

export interface DirectoryEntry extends EntryOwner {
  readonly mode: number;
}

export interface FileEntry extends DirectoryEntry {
  /** Filled while its pieces are saved; whole by the time `save` is called. */
  readonly content: Pick<FileContent, 'sizeBytes' | 'ids'>;
}

/** Stores the bytes of one folder's tree. */
export type SaveTree = (tree: Uint8Array<ArrayBuffer>) => Promise<BlobId>;

interface Folder {
  entry: DirectoryEntry;
  readonly folders: Map<string, Folder>;
  readonly files: Map<string, FileEntry>;
}

/** The folders and files of a snapshot, put in by path in any order, then saved from the leaves up. */
export class SnapshotTree {
  readonly #root: Folder;
  #fileCount = 0;
  #byteCount = 0;

  /** `root` is also what folders get that only their contents name. */
  constructor(root: DirectoryEntry) {
    this.#root = newFolder(root);
  }

  get filesTotal(): number {
    return this.#fileCount;
  }

  get bytesTotal(): number {
    return this.#byteCount;
  }

  addDirectory(path: string, entry: DirectoryEntry): void {
    this.#folder(names(path), path).entry = entry;
  }

  addFile(path: string, entry: FileEntry): void {
    const parts = names(path);
    const name = parts.pop();
    if (name === undefined) throw unsafe(path, 'is no name of a file');
    const folder = this.#folder(parts, path);
    if (folder.files.has(name) || folder.folders.has(name)) throw unsafe(path, 'was sent twice');
    folder.files.set(name, entry);
    this.#fileCount += 1;
    this.#byteCount += entry.content.sizeBytes;
  }

  has(path: string): boolean {
    const parts = names(path);
    const name = parts.pop() ?? '';
    let folder: Folder | undefined = this.#root;
    for (const part of parts) folder = folder?.folders.get(part);
    return folder !== undefined && (folder.files.has(name) || folder.folders.has(name));
  }

  /** The id of the root's tree. */
  async save(saveTree: SaveTree): Promise<BlobId> {
    return saveFolder(saveTree, this.#root);
  }

  #folder(parts: readonly string[], path: string): Folder {
    let folder = this.#root;
    for (const part of parts) {
      let next = folder.folders.get(part);
      if (!next) {
        if (folder.files.has(part)) throw unsafe(path, 'lies below a file');
        next = newFolder(this.#root.entry);
        folder.folders.set(part, next);
      }
      folder = next;
    }
    return folder;
  }
}

async function saveFolder(saveTree: SaveTree, folder: Folder): Promise<BlobId> {
  const folders = new Map<string, { entry: DirectoryEntry; subtree: BlobId }>();
  for (const [name, child] of folder.folders) {
    folders.set(name, { entry: child.entry, subtree: await saveFolder(saveTree, child) });
  }
  return saveTree(encodeFolder(folder.files, folders));
}

function newFolder(entry: DirectoryEntry): Folder {
  return { entry, folders: new Map(), files: new Map() };
}

/** The names in a path that came from the server. One that would leave the folder is refused. */
function names(path: string): string[] {
  if (path.startsWith('/') || path.includes('\0')) throw unsafe(path, 'is not relative');
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.includes('..')) throw unsafe(path, 'leaves its folder');
  return parts;
}

function unsafe(path: string, fact: string): LifeboatError {
  return new LifeboatError(
    'postgres.protocol',
    `the server sent a path that ${fact}: ${JSON.stringify(path)}`,
    {
      hint: 'Nothing was published. Check that the address leads to the PostgreSQL server you mean.',
    },
  );
}
