import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import {
  cancelled,
  fileError,
  isLifeboatError,
  type Progress,
  syncFolder,
} from '../../../core/index.ts';
import type { Repository } from '../../../repository/index.ts';
import { giveTo, type ServerAccount } from '../server/index.ts';
import { blobLengths } from './blob-lengths.ts';
import { type DeltaFileRequest, makeFile, mendFile } from './delta-file.ts';
import type { DeltaPlan } from './delta-plan.ts';
import { linkTablespace, type TablespaceMapping, tablespaceAt } from './tablespace-mapping.ts';

export interface WriteDeltaRequest {
  readonly repository: Repository;
  readonly folder: string;
  readonly tablespaces: TablespaceMapping;
  readonly account: ServerAccount | undefined;
  readonly progress: Progress;
  readonly signal?: AbortSignal;
}

export interface WrittenDelta {
  readonly files: number;
  readonly bytes: number;
  /** Files that were not touched. */
  readonly sameFiles: number;
  readonly newFiles: number;
  readonly removedEntries: number;
  readonly writtenBytes: number;
}

const filesAtOnce = 8;
const task = 'restore-delta';

/**
 * Makes a data directory, whose control file was moved away, that of the snapshot: removes what is too much, writes what
 * differs, forces all to the disk, and puts the control file in last. Done again after an interruption, it goes on.
 */
export async function writeDelta(
  plan: DeltaPlan,
  request: WriteDeltaRequest,
): Promise<WrittenDelta> {
  const { repository, folder, account, progress, tablespaces } = request;
  const total = plan.files.reduce((sum, { node }) => sum + (node.sizeBytes ?? 0), 0);
  progress({ type: 'begin', task, title: `restoring what differs in ${folder}` });
  try {
    await removeExtra(plan, folder);
    for (const path of plan.newFolders) {
      const target = join(folder, path);
      const elsewhere = tablespaces.get(tablespaceAt(path) ?? 0);
      if (elsewhere !== undefined) await linkTablespace(target, elsewhere, account);
      else await mkdir(target, { mode: 0o700 });
    }
    // Also those that a killed run had only made.
    for (const path of plan.folders) await giveTo(account, join(folder, path));
    const lengthOf = await blobLengths(repository, request.signal);
    let done = 0;
    let told = 0;
    const onDone = (bytes: number) => {
      done += bytes;
      if (Date.now() - told < 100 && done < total) return;
      told = Date.now();
      progress({ type: 'progress', task, done, total, unit: 'bytes' });
    };
    const counts = await writeFiles(plan, request, { lengthOf, onDone });
    for (const path of plan.folders) await syncFolder(join(folder, path));
    await putControl(plan, request, { lengthOf, onDone: () => {} });
    return {
      ...counts,
      files: plan.files.length + 1,
      bytes: total,
      removedEntries: plan.extra.length,
    };
  } catch (error) {
    throw fileError(error, `could not restore over ${folder}`);
  } finally {
    progress({ type: 'end', task });
  }
}

/** Links are removed, never what they lead to. */
async function removeExtra({ extra }: DeltaPlan, folder: string): Promise<void> {
  for (const path of extra) await rm(join(folder, path), { recursive: true, force: true });
}

async function writeFiles(
  plan: DeltaPlan,
  request: WriteDeltaRequest,
  reading: Pick<DeltaFileRequest, 'lengthOf' | 'onDone'>,
) {
  const failed = new AbortController();
  const signal = AbortSignal.any([failed.signal, ...(request.signal ? [request.signal] : [])]);
  const { repository, account, folder } = request;
  const common = { repository, account, signal, ...reading };
  // The big files first: a big one begun last would be waited for alone.
  const sorted = plan.files.toSorted((a, b) => (b.node.sizeBytes ?? 0) - (a.node.sizeBytes ?? 0));
  const queue = sorted.values();
  let sameFiles = 0;
  let newFiles = 0;
  let writtenBytes = 0;
  const worker = async () => {
    for (const { path, node, exists } of queue) {
      if (signal.aborted) return;
      const full = join(folder, path);
      const written = exists
        ? await mendFile(full, node, common)
        : await makeFile(full, node, { ...common, mode: 0o600 });
      if (!exists) newFiles++;
      else if (written === 0) sameFiles++;
      writtenBytes += written;
    }
  };
  const watched = () =>
    worker().catch((error) => {
      failed.abort();
      throw error;
    });
  const outcomes = await Promise.allSettled(Array.from({ length: filesAtOnce }, watched));
  if (request.signal?.aborted) throw cancelled(request.signal);
  const errors = outcomes.flatMap((each) => (each.status === 'rejected' ? [each.reason] : []));
  const first = errors.find((error) => !isLifeboatError(error, 'cancelled')) ?? errors[0];
  if (first !== undefined) throw first;
  return { sameFiles, newFiles, writtenBytes };
}

/** From here on the folder holds a whole snapshot. */
async function putControl(
  plan: DeltaPlan,
  { repository, folder, account }: WriteDeltaRequest,
  reading: Pick<DeltaFileRequest, 'lengthOf' | 'onDone'>,
): Promise<void> {
  const global = join(folder, 'global');
  const temporary = join(global, 'pg_control.restored');
  await rm(temporary, { force: true });
  const { signal } = new AbortController();
  await makeFile(temporary, plan.control, { repository, account, signal, ...reading, mode: 0o600 });
  await rename(temporary, join(global, 'pg_control'));
  await syncFolder(global);
}
