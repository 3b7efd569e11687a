import {
  chmod,
  lchown,
  lstat,
  mkdir,
  open,
  rename,
  rm,
  rmdir,
  symlink,
  unlink,
} from 'node:fs/promises';
import { syncFolder } from '../../../core/index.ts';
import { copyAttributes } from './attributes.ts';
import { copyFileContent } from './copy-file.ts';

type Path = string | Buffer;

/** What changes the disk, one call each, so that a test can let the process die before any of them. */
export interface FolderActions {
  /** One that is there already stays as it is. */
  makeFolder(path: Path): Promise<void>;
  makeFile(path: Path): Promise<void>;
  makeLink(path: Path, text: string): Promise<void>;
  rename(from: Path, to: Path): Promise<void>;
  /** Makes new names in a folder durable. */
  sync(folder: Path): Promise<void>;
  /** Mode, owner, times and extended attributes of a folder. */
  copyAttributes(from: Path, to: Path): Promise<void>;
  copyFile(from: Buffer, to: Buffer): Promise<void>;
  setOwner(path: Path, uid: number, gid: number): Promise<void>;
  removeFile(path: Path): Promise<void>;
  removeEmpty(path: Path): Promise<void>;
  removeTree(path: Path): Promise<void>;
}

export const diskActions: FolderActions = {
  async makeFolder(path) {
    await mkdir(path, { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
  },
  async makeFile(path) {
    await (await open(path, 'a', 0o600)).close();
  },
  makeLink: (path, text) => symlink(text, path),
  rename: (from, to) => rename(from, to),
  sync: (folder) => syncFolder(folder as string),
  copyAttributes: async (from, to) => void copyAttributes(bytesOf(from), bytesOf(to)),
  copyFile: (from, to) => copyFileContent(from, to),
  async setOwner(path, uid, gid) {
    const facts = await lstat(path);
    if (facts.uid === uid && facts.gid === gid) return;
    await lchown(path, uid, gid);
    // The system takes these bits away with the owner.
    if (!facts.isSymbolicLink() && (facts.mode & 0o6000) !== 0)
      await chmod(path, facts.mode & 0o7777);
  },
  removeFile: (path) => unlink(path).catch(ignoreMissing),
  removeEmpty: (path) => rmdir(path),
  removeTree: (path) => rm(path, { recursive: true, force: true }),
};

function ignoreMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error;
}

function bytesOf(path: Path): Buffer {
  return Buffer.isBuffer(path) ? path : Buffer.from(path);
}
