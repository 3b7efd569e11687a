import { type FileHandle, open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileError } from '../../../core/index.ts';
import { segmentName, segmentStart } from '../../../wal/index.ts';
import type { BackupBounds } from '../base-backup/base-backup-stream.ts';
import { walChunkSizeBytes } from '../base-backup/chunk-size.ts';
import { FileContent } from '../base-backup/file-content.ts';
import type { PieceCrew } from '../base-backup/piece-crew.ts';
import type { SlabFiller } from '../base-backup/slab-filler.ts';
import type { EntryOwner, SnapshotTree } from '../base-backup/snapshot-tree.ts';
import { type WalWatch, watching } from '../base-backup/wal-watch.ts';

const readBytes = 1024 * 1024;

export interface ReadWalOptions {
  readonly folder: string;
  readonly start: BackupBounds;
  readonly stop: BackupBounds;
  readonly segmentSizeBytes: number;
  readonly owner: EntryOwner;
  readonly crew: PieceCrew;
  readonly filler: SlabFiller;
  readonly tree: SnapshotTree;
  readonly watch: WalWatch;
  /** Before more is read. */
  room(): Promise<void> | undefined;
}

/**
 * Puts the WAL from start to stop, and the history of every timeline, out of the server's `pg_wal` into the snapshot. What is
 * missing there `StoredWal.requireWhole` tells.
 */
export async function readWalFolder(options: ReadWalOptions): Promise<void> {
  const { folder, start, stop, segmentSizeBytes } = options;
  const walFolder = join(folder, 'pg_wal');
  const names: string[] = [];
  const first = segmentStart(start.lsn, segmentSizeBytes);
  // The stop is the end of a record: a segment that only begins there is not needed.
  for (let at: bigint = first; at < stop.lsn; at += BigInt(segmentSizeBytes)) {
    names.push(segmentName(stop.timeline, at, segmentSizeBytes));
  }
  const histories = (await namesIn(walFolder)).filter((name) =>
    /^[0-9A-F]{8}\.history$/.test(name),
  );
  for (const name of [...names, ...histories.sort()]) {
    await using file = await openIfThere(join(walFolder, name));
    if (file) await store(options, name, file);
  }
}

async function store(options: ReadWalOptions, name: string, file: FileHandle): Promise<void> {
  const { filler, tree, owner, watch } = options;
  try {
    const { size, mode } = await file.stat();
    const content = new FileContent(size, walChunkSizeBytes);
    filler.begin({
      content,
      firstBlock: undefined,
      pageSizeBytes: 1,
      ...watching(watch, name, size),
    });
    const buffer = Buffer.allocUnsafeSlow(readBytes);
    for (let position = 0; position < size; ) {
      const { bytesRead } = await file.read(
        buffer,
        0,
        Math.min(readBytes, size - position),
        position,
      );
      // It was recycled or cut off: then it is not whole, and that is seen later.
      if (bytesRead === 0) return;
      filler.push(buffer.subarray(0, bytesRead));
      position += bytesRead;
      await options.room();
    }
    tree.addFile(`data/pg_wal/${name}`, { ...owner, mode: mode & 0o777, content });
  } catch (error) {
    throw fileError(error, `could not read ${name} of pg_wal`);
  }
}

async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    throw fileError(error, `could not read ${folder}`);
  }
}

async function openIfThere(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw fileError(error, `could not read ${path}`);
  }
}
