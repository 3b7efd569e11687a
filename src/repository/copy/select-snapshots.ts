import { isLifeboatError, throwIfAborted } from '../../core/index.ts';
import { isDamage } from '../damage.ts';
import { isCheckpoint } from '../forget/decide.ts';
import { damaged } from '../format/json-shape.ts';
import { decodeSnapshot } from '../format/snapshot-file.ts';
import type { Snapshot } from '../repository.ts';
import { aboutFile, type RepositoryAccess, readStoredJson } from '../stored-file.ts';
import { copiedSnapshotJson, PresentSnapshots } from './copied-snapshot.ts';
import type { CopySide } from './copy-side.ts';

export interface ChosenSnapshot {
  readonly snapshot: Snapshot;
  /** What is to be stored at the destination. */
  readonly json: string;
}

export interface Selection {
  /** Oldest first. */
  readonly chosen: readonly ChosenSnapshot[];
  readonly present: number;
}

/** Which snapshots of the source are wanted and not at the destination yet. What cannot be read goes to `onBad`. */
export async function selectSnapshots(options: {
  readonly from: CopySide;
  readonly to: CopySide;
  readonly select: (snapshot: Snapshot) => boolean;
  readonly onBad: (problem: string) => void;
  readonly signal?: AbortSignal | undefined;
}): Promise<Selection> {
  const { from, to, select, signal } = options;
  const there: Snapshot[] = [];
  // One that is damaged at the destination does not count as there: it is copied again.
  for await (const { snapshot } of readSnapshots(to.access, () => {}, signal)) there.push(snapshot);
  const known = new PresentSnapshots(there);
  const chosen: ChosenSnapshot[] = [];
  let present = 0;
  for await (const each of readSnapshots(from.access, options.onBad, signal)) {
    // A part of a backup that is not there yet; where it is, it serves that backup.
    if (isCheckpoint(each.snapshot) || !select(each.snapshot)) continue;
    if (known.has(each.snapshot)) present++;
    else chosen.push({ ...each, json: copiedSnapshotJson(each.snapshot, each.json) });
  }
  chosen.sort((a, b) => a.snapshot.time.getTime() - b.snapshot.time.getTime());
  return { chosen, present };
}

async function* readSnapshots(
  access: RepositoryAccess,
  onBad: (problem: string) => void,
  signal?: AbortSignal,
): AsyncGenerator<ChosenSnapshot, void, undefined> {
  for (const { name } of await access.location.list('snapshots', signal)) {
    throwIfAborted(signal);
    try {
      const json = await readStoredJson(access, 'snapshots', name, signal);
      const snapshot = aboutFile('snapshots', name, () => decodeSnapshot(name, json));
      if (Number.isNaN(snapshot.time.getTime())) throw damaged(`snapshots/${name}: no time`);
      yield { snapshot, json };
    } catch (error) {
      // It went away meanwhile: somebody forgot it.
      if (isLifeboatError(error, 'location.file-missing')) continue;
      if (!isDamage(error)) throw error;
      onBad(error instanceof Error ? error.message : String(error));
    }
  }
}
