import { LifeboatError } from '../../../core/index.ts';
import type { BackupWriter, BlobId, TreeNode } from '../../../repository/index.ts';

export interface EntryOwner {
  readonly uid: number;
  readonly gid: number;
  readonly mtimeSeconds: number;
}

export interface DirectoryEntry extends EntryOwner {
  readonly mode: number;
}

export interface FileEntry extends DirectoryEntry {
  readonly sizeBytes: number;
  /** Filled while chunks are saved; whole by the time `save` is called. */
  readonly content: readonly BlobId[];
}

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
    this.#byteCount += entry.sizeBytes;
  }

  has(path: string): boolean {
    const parts = names(path);
    const name = parts.pop() ?? '';
    let folder: Folder | undefined = this.#root;
    for (const part of parts) folder = folder?.folders.get(part);
    return folder !== undefined && (folder.files.has(name) || folder.folders.has(name));
  }

  /** The id of the root's tree. */
  async save(writer: BackupWriter): Promise<BlobId> {
    return saveFolder(writer, this.#root);
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

async function saveFolder(writer: BackupWriter, folder: Folder): Promise<BlobId> {
  const nodes: TreeNode[] = [];
  for (const [name, file] of folder.files) {
    nodes.push({
      ...node(name, file),
      type: 'file',
      sizeBytes: file.sizeBytes,
      content: file.content,
    });
  }
  for (const [name, child] of folder.folders) {
    const subtree = await saveFolder(writer, child);
    nodes.push({ ...node(name, child.entry), type: 'dir', subtree });
  }
  return writer.saveTree(nodes);
}

function node(name: string, entry: DirectoryEntry) {
  const mtimeNs = BigInt(entry.mtimeSeconds) * 1_000_000_000n;
  const { mode, uid, gid } = entry;
  return { name, mode, uid, gid, mtimeNs, atimeNs: mtimeNs, ctimeNs: mtimeNs };
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
