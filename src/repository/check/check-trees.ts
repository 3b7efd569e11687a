import { isLifeboatError, throwIfAborted } from '../../core/index.ts';
import { isDamage } from '../damage.ts';
import { openVerifiedBlob } from '../data-plane/blob-codec.ts';
import { decodeTree } from '../format/tree.ts';
import { findUsedBlobs } from '../prune/used-blobs.ts';
import type { BlobId, BlobType, Snapshot, TreeNode } from '../repository.ts';
import { blobKey, type CheckState } from './check-state.ts';

const task = 'check trees';

/**
 * Follows every snapshot down to its blobs. All trees are read once, many at a time; only when something is missing or
 * damaged they are walked again, path by path, to say what that affects.
 */
export async function checkTrees(state: CheckState, snapshots: readonly Snapshot[]): Promise<void> {
  if (await isAllThere(state, snapshots)) return;
  const { progress } = state;
  progress({ type: 'begin', task, title: 'finding out what the damage affects' });
  /** Trees below which everything is sound: walked once, however many snapshots share them. */
  const sound = new Set<BlobId>();
  for (const snapshot of snapshots) {
    const walk = { state, sound, visits: new Map(), snapshot: describeSnapshot(snapshot) };
    await checkTree(walk, snapshot.tree, '/');
  }
  progress({ type: 'end', task });
}

async function isAllThere(state: CheckState, snapshots: readonly Snapshot[]): Promise<boolean> {
  const { access, pool, signal, progress, sound: index } = state;
  const onBytesRead = (bytes: number) => {
    state.bytesRead += bytes;
  };
  const tools = { access, pool, index, signal, progress, onBytesRead };
  try {
    const { missing } = await findUsedBlobs({ ...tools, snapshots, isStrict: true });
    return missing.length === 0;
  } catch (error) {
    if (!isDamage(error)) throw error;
    return false;
  }
}

/** With what people know it by: what was backed up, and when. */
function describeSnapshot({ id, time, paths }: Snapshot): string {
  const second = time.toISOString().slice(0, 19).replace('T', ' ');
  return `snapshot ${id.slice(0, 8)} (${paths.join(', ')} of ${second} UTC):`;
}

interface Walk {
  readonly state: CheckState;
  readonly sound: Set<BlobId>;
  /** How often this snapshot came to trees below which something is wrong. */
  readonly visits: Map<BlobId, number>;
  readonly snapshot: string;
}

/** A damaged tree that very many folders share is not followed along every path: paths can be more than atoms. */
const mostVisits = 4;

/** True when all below is sound. */
async function checkTree(walk: Walk, id: BlobId, path: string): Promise<boolean> {
  throwIfAborted(walk.state.signal);
  if (walk.sound.has(id)) return true;
  const visits = walk.visits.get(id) ?? 0;
  if (visits >= mostVisits) return false;
  const nodes = await readTree(walk, id, path);
  walk.visits.set(id, visits + 1);
  if (nodes === undefined) return false;
  let isSound = true;
  for (const node of nodes) {
    const nodePath = `${path === '/' ? '' : path}/${node.name}`;
    if (node.subtree !== undefined && !(await checkTree(walk, node.subtree, nodePath))) {
      isSound = false;
    }
    for (const blob of node.content ?? []) {
      if (walk.state.sound.has('data', blob)) continue;
      report(walk, 'data', blob, nodePath);
      isSound = false;
    }
  }
  if (isSound) walk.sound.add(id);
  return isSound;
}

async function readTree(
  walk: Walk,
  id: BlobId,
  path: string,
): Promise<readonly TreeNode[] | undefined> {
  const { access, findings, sound, unsound, signal } = walk.state;
  const place = sound.find('tree', id);
  if (place === undefined || unsound.has(unreadable(id))) {
    report(walk, 'tree', id, path);
    return undefined;
  }
  const { pack, offset, length, uncompressedLength } = place;
  try {
    const sealed = await access.location.read('data', pack, { offset, length }, signal);
    walk.state.bytesRead += length;
    return decodeTree(openVerifiedBlob(access.masterKey, sealed, uncompressedLength, id));
  } catch (error) {
    if (!isLifeboatError(error, 'repository.damaged', 'location.file-missing')) throw error;
    const problem = `in pack ${pack}: ${error.message}`;
    unsound.set(
      unreadable(id),
      findings.add({ kind: 'tree', name: id, problem, severity: 'error' }),
    );
    report(walk, 'tree', id, path);
    return undefined;
  }
}

/** Marks a tree that its pack seemed to hold. */
function unreadable(id: BlobId): string {
  return `unreadable ${id}`;
}

function report({ state, snapshot }: Walk, type: BlobType, id: BlobId, path: string): void {
  const key = blobKey(type, id);
  let finding = state.unsound.get(unreadable(id)) ?? state.unsound.get(key);
  if (finding === undefined) {
    const kind = type === 'tree' ? 'tree' : 'blob';
    finding = state.findings.add({ kind, name: id, problem: 'in no index', severity: 'error' });
    state.unsound.set(key, finding);
  }
  finding.affects(`${snapshot} ${path}`);
}
