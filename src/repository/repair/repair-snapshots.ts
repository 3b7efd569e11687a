import { LifeboatError, silentProgress, throwIfAborted } from '../../core/index.ts';
import { isDamage } from '../damage.ts';
import { decodeIndex } from '../format/index-file.ts';
import { packSizeBytes } from '../format/pack-header.ts';
import { decodeSnapshot, encodeSnapshot } from '../format/snapshot-file.ts';
import { BlobIndex } from '../index/blob-index.ts';
import { IndexOutput } from '../index/index-output.ts';
import { RepositoryLock } from '../lock/repository-lock.ts';
import type { OperationOptions, Snapshot, SnapshotId } from '../repository.ts';
import {
  aboutFile,
  assertWritable,
  type RepositoryAccess,
  readStoredJson,
  writeStoredJson,
} from '../stored-file.ts';
import { type Loss, TreeRepair } from './repair-tree.ts';
import { TreeOutput } from './tree-output.ts';

export interface RepairSnapshotsOptions extends OperationOptions {
  /** Only these. Default: all. */
  readonly snapshots?: readonly string[];
  /** Default true: only says what would be lost. */
  readonly dryRun?: boolean;
  /** Removes the snapshots that were repaired, those of which nothing can be saved, and unreadable ones. */
  readonly forget?: boolean;
}

export interface RepairedSnapshot {
  readonly id: string;
  readonly outcome: 'whole' | 'repaired' | 'lost' | 'unreadable';
  /** What stands in its place; absent in a dry run. */
  readonly repairedId?: SnapshotId;
  readonly losses: readonly Loss[];
  readonly forgotten: boolean;
  /** What is wrong with one that is unreadable. */
  readonly problem?: string;
}

/** What restic tags such snapshots with. */
const repairedTag = 'repaired';

/**
 * Snapshots that miss something get a twin without it: files lose the parts that are gone, folders whose list is gone
 * are empty. The old ones stay unless `forget`. New trees are durable and indexed before a snapshot names them, and the
 * new snapshot is durable before the old one goes.
 */
export async function repairSnapshots(
  access: RepositoryAccess,
  options: RepairSnapshotsOptions = {},
): Promise<readonly RepairedSnapshot[]> {
  const { signal, progress = silentProgress, lockWaitMs: waitMs } = options;
  const { dryRun = true, forget = false } = options;
  assertWritable(access);
  const lockOptions = { exclusive: true, operation: 'repair snapshots', waitMs, signal, progress };
  await using lock = await RepositoryLock.acquire(access, lockOptions);
  const listed = (await access.location.list('snapshots', signal)).map(({ name }) => name);
  const names = chosen(listed, options.snapshots);
  const index = await soundIndex(access, signal);
  const confirm = () => lock.confirmHeld(signal);
  const output = new TreeOutput(access, index, new IndexOutput(access, confirm, signal));
  const repair = new TreeRepair({ access, index, output: dryRun ? undefined : output, signal });
  const results: RepairedSnapshot[] = [];
  const task = 'repair snapshots';
  progress({ type: 'begin', task, title: 'looking through snapshots' });
  for (const name of names) {
    throwIfAborted(signal);
    const snapshot = await read(access, name, signal);
    if ('problem' in snapshot) {
      const { problem } = snapshot;
      results.push({ id: name, outcome: 'unreadable', losses: [], forgotten: false, problem });
    } else {
      const { id: tree, losses } = await repair.repair(snapshot.tree);
      const outcome = tree === undefined ? 'lost' : losses.length > 0 ? 'repaired' : 'whole';
      let repairedId: SnapshotId | undefined;
      if (outcome === 'repaired' && !dryRun) {
        await output.flush();
        await confirm();
        repairedId = await writeTwin(access, snapshot, tree as Snapshot['tree'], signal);
      }
      const twin = repairedId === undefined ? {} : { repairedId };
      results.push({ id: name, outcome, losses, forgotten: false, ...twin });
    }
    progress({
      type: 'progress',
      task,
      done: results.length,
      total: names.length,
      unit: 'records',
    });
  }
  progress({ type: 'end', task });
  if (dryRun || !forget) return results;
  await confirm();
  const done: RepairedSnapshot[] = [];
  for (const each of results) {
    const forgotten = each.outcome !== 'whole';
    if (forgotten) await access.location.remove('snapshots', each.id, signal);
    done.push({ ...each, forgotten });
  }
  return done;
}

async function read(
  access: RepositoryAccess,
  name: string,
  signal?: AbortSignal,
): Promise<Snapshot | { readonly problem: string }> {
  try {
    const json = await readStoredJson(access, 'snapshots', name, signal);
    return aboutFile('snapshots', name, () => decodeSnapshot(name, json));
  } catch (error) {
    if (!isDamage(error)) throw error;
    return { problem: error.message };
  }
}

async function writeTwin(
  access: RepositoryAccess,
  snapshot: Snapshot,
  tree: Snapshot['tree'],
  signal?: AbortSignal,
): Promise<SnapshotId> {
  const { id, ...body } = snapshot;
  const tags = body.tags.includes(repairedTag) ? body.tags : [...body.tags, repairedTag];
  const json = encodeSnapshot({ ...body, tree, tags, original: body.original ?? id });
  return (await writeStoredJson(access, 'snapshots', json, signal)) as SnapshotId;
}

/** Blobs in packs that are there and as long as the index says. */
async function soundIndex(access: RepositoryAccess, signal?: AbortSignal): Promise<BlobIndex> {
  const packs = await access.location.list('data', signal);
  const sizes = new Map(packs.map(({ name, sizeBytes }) => [name, sizeBytes]));
  const index = new BlobIndex();
  for (const { name } of await access.location.list('index', signal)) {
    throwIfAborted(signal);
    let json: string;
    try {
      json = await readStoredJson(access, 'index', name, signal);
      for (const pack of aboutFile('index', name, () => decodeIndex(json))) {
        if (sizes.get(pack.name) === packSizeBytes(pack.blobs)) index.addPack(pack);
      }
    } catch (error) {
      if (!isDamage(error)) throw error;
      throw new LifeboatError('repository.damaged', error.message, {
        hint: 'Nothing was changed, because what it names may be there. Run `lifeboat repair index` first.',
        cause: error,
      });
    }
  }
  return index;
}

function chosen(listed: readonly string[], wanted?: readonly string[]): readonly string[] {
  if (wanted === undefined || wanted.length === 0) return listed;
  return wanted.map((prefix) => {
    const found = listed.filter((name) => name.startsWith(prefix));
    if (prefix.length >= 4 && found.length === 1) return found[0] as string;
    const fact = found.length > 1 ? `${found.length} snapshots begin` : 'no snapshot begins';
    throw new LifeboatError('repository.snapshot-missing', `${fact} with ${prefix}`);
  });
}
