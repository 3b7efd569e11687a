import { mkdir, open } from 'node:fs/promises';
import { extname, join } from 'node:path';
import {
  fileError,
  LifeboatError,
  type Progress,
  silentProgress,
  throwIfAborted,
} from '../../../core/index.ts';
import {
  isDamage,
  type Repository,
  type Snapshot,
  type TreeNode,
} from '../../../repository/index.ts';
import { giveTo, type ServerAccount } from '../server/index.ts';
import { dataNode } from './backup-snapshot.ts';
import { blobLengths } from './blob-lengths.ts';
import { cutFile, type FilePart, type PartWriterSetup } from './file-part.ts';
import { checkSafeNode } from './safe-node.ts';
import { linkTablespace, type TablespaceMapping, tablespaceAt } from './tablespace-mapping.ts';
import { prepareTargetFolder } from './target-folder.ts';
import { writeParts } from './write-parts.ts';

export interface RestoreSnapshotOptions {
  readonly repository: Repository;
  readonly snapshot: Snapshot;
  /** New or empty. */
  readonly folder: string;
  /** Who owns the files. Default: we. */
  readonly account?: ServerAccount | undefined;
  /** Tablespaces that get a folder elsewhere; it must be prepared. */
  readonly tablespaces?: TablespaceMapping;
  /** Files that are not restored, by path in the data directory. */
  readonly skip?: (path: string) => boolean;
  readonly signal?: AbortSignal;
  readonly progress?: Progress;
}

export interface RestoredFiles {
  readonly files: number;
  readonly bytes: number;
}

interface PlannedFile {
  /** Relative to the target. */
  readonly path: string;
  readonly node: TreeNode;
}

const controlFile = 'global/pg_control';

/**
 * Writes the data directory of a snapshot into a new folder. `global/pg_control` comes last, so a folder that was not finished
 * cannot be started as a server: run the restore again into another new folder. Nothing is forced to the disk: without
 * its WAL, which `skip` leaves out, the folder does not start either, whatever a loss of power made of it. Errors:
 * `target.not-empty`, `target.unsafe`, `disk.full`, `cancelled`, those of the repository.
 */
export async function restoreSnapshot(options: RestoreSnapshotOptions): Promise<RestoredFiles> {
  const { repository, snapshot, folder, account, signal } = options;
  const progress = options.progress ?? silentProgress;
  throwIfAborted(signal);
  const data = await dataNode(repository, snapshot);
  await prepareTargetFolder(folder, account);
  const task = 'restore-files';
  progress({ type: 'begin', task, title: `restoring files to ${folder}` });
  try {
    const folders: string[] = [''];
    const files: PlannedFile[] = [];
    await planFolder(options, data, '', folders, files);
    const bytes = files.reduce((sum, { node }) => sum + (node.sizeBytes ?? 0), 0);
    const control = takeControlFile(files);
    const counter = countBytes(progress, task, bytes);

    const setup: PartWriterSetup = { account: account && { uid: account.uid, gid: account.gid } };
    const module = new URL(`./part-writer${extname(import.meta.url)}`, import.meta.url);
    await using threads = await repository.startReaders({ module, setup, signal });
    const work = { onWritten: counter, signal };
    // The big files first: a big one begun last would be waited for alone.
    files.sort((a, b) => (b.node.sizeBytes ?? 0) - (a.node.sizeBytes ?? 0));
    await writeParts(threads, await partsOf(options, files), work);
    // From here on the folder is a whole data directory.
    await writeParts(threads, await partsOf(options, [control]), work);
    return { files: files.length + 1, bytes };
  } catch (error) {
    throw unfinished(error, folder, snapshot);
  } finally {
    progress({ type: 'end', task });
  }
}

/** Makes the folders and lists the files. */
async function planFolder(
  options: RestoreSnapshotOptions,
  node: TreeNode,
  path: string,
  folders: string[],
  files: PlannedFile[],
): Promise<void> {
  if (node.subtree === undefined) return;
  const seen = new Set<string>();
  for (const child of await options.repository.readTree(node.subtree, options.signal)) {
    checkSafeNode(child, path);
    const childPath = path === '' ? child.name : `${path}/${child.name}`;
    if (seen.has(child.name)) {
      throw new LifeboatError('target.unsafe', `the snapshot holds ${childPath} twice`);
    }
    seen.add(child.name);
    if (options.skip?.(childPath)) continue;
    if (child.type === 'file') {
      files.push({ path: childPath, node: child });
      continue;
    }
    await makeFolder(options, childPath);
    folders.push(childPath);
    await planFolder(options, child, childPath, folders, files);
  }
}

async function makeFolder(options: RestoreSnapshotOptions, path: string): Promise<void> {
  const { folder, account, tablespaces } = options;
  const target = join(folder, path);
  const elsewhere = tablespaces?.get(tablespaceAt(path) ?? 0);
  if (elsewhere !== undefined) return await linkTablespace(target, elsewhere, account);
  await mkdir(target, { mode: 0o700 });
  await giveTo(account, target);
}

function takeControlFile(files: PlannedFile[]): PlannedFile {
  const index = files.findIndex(({ path }) => path === controlFile);
  const [control] = index < 0 ? [] : files.splice(index, 1);
  if (control) return control;
  throw new LifeboatError('repository.damaged', `the snapshot holds no ${controlFile}`, {
    hint: 'It is no whole data directory. Choose another snapshot.',
  });
}

/** What is written in several parts is made here. */
async function partsOf(
  { repository, folder, account, signal }: RestoreSnapshotOptions,
  files: readonly PlannedFile[],
): Promise<readonly FilePart[]> {
  const lengthOf = await blobLengths(repository, signal);
  const all: FilePart[] = [];
  for (const { path, node } of files) {
    const target = join(folder, path);
    const parts = cutFile(target, node, lengthOf);
    if (parts.length > 1) {
      await using file = await open(target, 'wx', 0o600);
      if (account) await file.chown(account.uid, account.gid);
    }
    all.push(...parts);
  }
  return all;
}

function countBytes(progress: Progress, task: string, total: number) {
  let done = 0;
  let told = 0;
  return (bytes: number, detail: string) => {
    done += bytes;
    const now = Date.now();
    if (now - told < 100 && done < total) return;
    told = now;
    progress({ type: 'progress', task, done, total, unit: 'bytes', detail });
  };
}

function unfinished(error: unknown, folder: string, snapshot: Snapshot): LifeboatError {
  const ours = fileError(error, `could not restore to ${folder}`);
  if (ours.code === 'disk.full') {
    return new LifeboatError('disk.full', ours.message, {
      hint: `The folder ${folder} is incomplete and cannot be started as a server. Remove it, free some space, and restore into a new folder.`,
      context: { folder },
      cause: error,
      retryable: true,
    });
  }
  if (!isDamage(ours)) return ours;
  return new LifeboatError(
    ours.code,
    `snapshot ${snapshot.id.slice(0, 8)} cannot be restored: ${ours.message}`,
    {
      hint: `The folder ${folder} is incomplete and cannot be started as a server: remove it. \`lifeboat check --read-data\` says what is damaged; --snapshot ID begins with another snapshot of \`lifeboat points\`, and the log leads from there to the same moment.`,
      context: { ...ours.context, snapshot: snapshot.id },
      cause: error,
    },
  );
}
