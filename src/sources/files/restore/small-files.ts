import { constants, fsyncSync, ftruncateSync } from 'node:fs';
import type { BlobId, TreeNode } from '../../../repository/index.ts';
import { closeDescriptor, dropCached, openAt } from '../system/index.ts';
import { holdsContent, writeAt } from './file-bytes.ts';
import type { OpenFolder } from './open-folders.ts';
import { putInPlace, removeQuietly } from './placement.ts';
import { differsOnDisk, entryProblem } from './system-error.ts';
import type { Batch, ThreadState } from './thread-state.ts';

/** A file that is written in one go. */
export interface SmallFile {
  readonly folder: OpenFolder;
  /** Of the folder. */
  readonly parentPath: string;
  readonly name: Buffer;
  readonly path: string;
  readonly node: TreeNode;
  readonly isReplacing: boolean;
  /** Attributes need a look at what the folder handed down. */
  readonly isPlain: boolean;
  readonly sizeBytes: number;
  /** Hard links wait for it. */
  readonly group: string | undefined;
}

const maxBytes = 8 * 1024 * 1024;
const maxFiles = 1024;

interface Use {
  readonly file: Waiting;
  readonly offset: number;
}

interface Waiting extends SmallFile {
  /** Blobs that have not come yet; below 0 once the file is given up. */
  missing: number;
  bytes: Buffer | undefined;
}

/** Collects small files and writes them together, so that what lies together in packs is read together. */
export class SmallFiles {
  readonly #state: ThreadState;
  readonly #batch: Batch;
  #waiting: SmallFile[] = [];
  #bytes = 0;

  constructor(state: ThreadState, batch: Batch) {
    this.#state = state;
    this.#batch = batch;
  }

  /** The file's folder is held for it until it is written. */
  async add(file: SmallFile): Promise<void> {
    this.#state.holdFolder(file.parentPath);
    this.#waiting.push(file);
    this.#bytes += file.sizeBytes;
    if (this.#bytes >= maxBytes || this.#waiting.length >= maxFiles) await this.flush();
  }

  async flush(): Promise<void> {
    const files = this.#waiting;
    this.#waiting = [];
    this.#bytes = 0;
    try {
      const uses = this.#usesOf(files);
      const ids = [...uses.keys()];
      await this.#state.reader.readBlobs('data', ids, (number, outcome) => {
        for (const use of uses.get(ids[number] as BlobId) ?? []) {
          if (outcome instanceof Uint8Array) this.#take(use, outcome);
          else this.#giveUp(use.file, outcome.message);
        }
      });
    } finally {
      for (const { parentPath } of files) this.#state.releaseFolder(parentPath);
    }
  }

  #usesOf(files: readonly SmallFile[]): Map<BlobId, Use[]> {
    const uses = new Map<BlobId, Use[]>();
    for (const each of files) {
      const content = each.node.content ?? [];
      const file: Waiting = { ...each, missing: content.length, bytes: undefined };
      if (content.length === 0) this.#write(file, new Uint8Array());
      let offset = 0;
      for (const id of content) {
        const use = { file, offset };
        const known = uses.get(id);
        if (known === undefined) uses.set(id, [use]);
        else known.push(use);
        offset += this.#state.reader.plainBytesOf('data', id) ?? 0;
      }
    }
    return uses;
  }

  #take({ file, offset }: Use, plain: Uint8Array): void {
    if (file.missing < 0) return;
    if (file.node.content?.length === 1) {
      this.#write(file, plain);
      return;
    }
    file.bytes ??= Buffer.allocUnsafeSlow(file.sizeBytes);
    file.bytes.set(plain, offset);
    file.missing--;
    if (file.missing > 0) return;
    this.#write(file, file.bytes);
    file.bytes = undefined;
  }

  #giveUp(file: Waiting, problem: string): void {
    if (file.missing < 0) return;
    file.missing = -1;
    file.bytes = undefined;
    this.#batch.problems.add(file.path, problem);
    this.#tellGroup(file, false);
  }

  #write(file: SmallFile, bytes: Uint8Array): void {
    const { counts, problems } = this.#batch;
    try {
      if (file.isReplacing) this.#replace(file, bytes);
      else this.#create(file, file.name, bytes);
    } catch (error) {
      problems.add(file.path, `could not be written: ${entryProblem(error)}`);
      this.#tellGroup(file, false);
      return;
    }
    if (file.isReplacing) {
      counts.replacedFiles++;
      counts.replacedBytes += bytes.length;
    } else {
      counts.newFiles++;
      counts.newBytes += bytes.length;
    }
    this.#tellGroup(file, true);
  }

  #replace(file: SmallFile, bytes: Uint8Array): void {
    const temporary = Buffer.from(this.#state.temporaryName());
    try {
      this.#create(file, temporary, bytes, true);
      putInPlace(file.folder, temporary, file.name);
    } catch (error) {
      removeQuietly(file.folder, temporary);
      throw error;
    }
  }

  #create(file: SmallFile, name: Buffer, bytes: Uint8Array, isDurable = false): void {
    const { folder, node, path, isPlain } = file;
    const { attributes, setup } = this.#state;
    const fd = openAt(folder.fd, name, creationFlags, attributes.creationMode(node));
    try {
      this.#fill(file, fd, name, bytes);
      if (isPlain) attributes.finishNew(fd, node, path, this.#batch.problems);
      else attributes.finish(folder, name, node, path, this.#batch.problems);
      if (isDurable || setup.verifyWritten) fsyncSync(fd);
      if (setup.verifyWritten) this.#readBack(file, name);
    } finally {
      closeDescriptor(fd);
    }
  }

  /** On a full disk no beginning of a file is left that looks like a file. */
  #fill({ folder }: SmallFile, fd: number, name: Buffer, bytes: Uint8Array): void {
    const { sparse } = this.#state.setup;
    try {
      if (bytes.length > 0) writeAt(fd, bytes, 0, sparse);
      if (sparse && bytes.length >= leastSparse) ftruncateSync(fd, bytes.length);
    } catch (error) {
      removeQuietly(folder, name);
      throw error;
    }
  }

  #readBack({ folder, node, sizeBytes }: SmallFile, name: Buffer): void {
    const fd = openAt(folder.fd, name, constants.O_RDONLY | constants.O_NOFOLLOW);
    try {
      dropCached(fd);
      const isRight = holdsContent(fd, node.content ?? [], sizeBytes, this.#state.reader);
      if (!isRight) throw differsOnDisk();
    } finally {
      closeDescriptor(fd);
    }
  }

  #tellGroup({ group }: SmallFile, isThere: boolean): void {
    if (group !== undefined) this.#batch.groups.push({ group, isThere });
  }
}

/** Fails when there is anything at the name, be it a link. */
export const creationFlags =
  constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
const leastSparse = 16 * 1024;
