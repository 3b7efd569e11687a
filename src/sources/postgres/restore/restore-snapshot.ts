import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import {
  cancelled,
  fileError,
  isLifeboatError,
  LifeboatError,
  type Progress,
  silentProgress,
  syncFolder,
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
import { checkSafeNode } from './safe-node.ts';
import { linkTablespace, type TablespaceMapping, tablespaceAt } from './tablespace-mapping.ts';
import { prepareTargetFolder } from './target-folder.ts';

export interface RestoreSnapshotOptions {
  readonly repository: Repository;
  readonly snapshot: Snapshot;
  /** New or empty. */
  readonly folder: string;
  /** Who owns the files. Default: we. */
  readonly account?: ServerAccount | undefined;
  /** False for what is thrown away: files are not forced to the disk. Default true. */
  readonly durable?: boolean;
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

const filesAtOnce = 8;
const controlFile = 'global/pg_control';

/**
 * Writes the data directory of a snapshot into a new folder. `global/pg_control` comes last, after everything
 * else is on the disk, so a folder that was not finished cannot be started as a server: run the restore again
 * into another new folder. Errors: `target.not-empty`, `target.unsafe`, `disk.full`, `cancelled`, those of the repository.
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

    // The big files first: a big one begun last would be waited for alone.
    files.sort((a, b) => (b.node.sizeBytes ?? 0) - (a.node.sizeBytes ?? 0));
    await writeFiles(options, files, counter);
    if (options.durable !== false) {
      for (const path of folders) await syncFolder(join(folder, path));
    }
    // From here on the folder is a whole data directory.
    await writeFiles(options, [control], counter);
    if (options.durable !== false) await syncFolder(join(folder, 'global'));
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

/** Several files at a time; the first failure ends all. */
async function writeFiles(
  options: RestoreSnapshotOptions,
  files: readonly PlannedFile[],
  count: (bytes: number, path: string) => void,
): Promise<void> {
  const failed = new AbortController();
  const signal = AbortSignal.any([failed.signal, ...(options.signal ? [options.signal] : [])]);
  const queue = files.values();
  const worker = async () => {
    // The workers share one iterator: each takes the next file that nobody has.
    for (const file of queue) {
      if (signal.aborted) return;
      await writeFile(options, file, signal, count).catch((error) => {
        failed.abort();
        throw error;
      });
    }
  };
  const outcomes = await Promise.allSettled(Array.from({ length: filesAtOnce }, worker));
  if (options.signal?.aborted) throw cancelled(options.signal);
  const errors = outcomes.flatMap((each) => (each.status === 'rejected' ? [each.reason] : []));
  const first = errors.find((error) => !isLifeboatError(error, 'cancelled')) ?? errors[0];
  if (first !== undefined) throw first;
}

async function writeFile(
  options: RestoreSnapshotOptions,
  { path, node }: PlannedFile,
  signal: AbortSignal,
  count: (bytes: number, path: string) => void,
): Promise<void> {
  const { repository, folder, account } = options;
  let file: FileHandle | undefined;
  try {
    file = await open(join(folder, path), 'wx', 0o600);
    let written = 0;
    for await (const bytes of repository.readFileContent(node.content ?? [], { signal })) {
      throwIfAborted(signal);
      await file.writeFile(bytes);
      written += bytes.length;
      count(bytes.length, path);
    }
    if (written !== (node.sizeBytes ?? written)) throw wrongSize(path, node, written);
    if (account) await file.chown(account.uid, account.gid);
    if (options.durable !== false) await file.sync();
  } catch (error) {
    throw fileError(error, `could not write ${join(folder, path)}`);
  } finally {
    await file?.close();
  }
}

function wrongSize(path: string, node: TreeNode, written: number): LifeboatError {
  return new LifeboatError(
    'repository.damaged',
    `the file ${path} should have ${node.sizeBytes} bytes and has ${written}`,
    { hint: 'Run a check of the repository; restore from another snapshot or copy meanwhile.' },
  );
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
