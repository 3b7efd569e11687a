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
  readonly known: DestinationSnapshots;
}

/** What is at the destination; looked at again before anything is published, because another copy may run beside this one. */
export class DestinationSnapshots {
  readonly #access: RepositoryAccess;
  readonly #present = new PresentSnapshots();
  readonly #names = new Set<string>();

  constructor({ access }: CopySide) {
    this.#access = access;
  }

  /** Reads what is new. One that is damaged does not count as there: it is copied again. */
  async refresh(signal?: AbortSignal): Promise<void> {
    for await (const { snapshot } of readSnapshots(this.#access, () => {}, signal, this.#names)) {
      this.#present.add(snapshot);
    }
  }

  has(snapshot: Snapshot): boolean {
    return this.#present.has(snapshot);
  }
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
  const known = new DestinationSnapshots(to);
  await known.refresh(signal);
  const chosen: ChosenSnapshot[] = [];
  let present = 0;
  for await (const each of readSnapshots(from.access, options.onBad, signal)) {
    // A part of a backup that is not there yet; where it is, it serves that backup.
    if (isCheckpoint(each.snapshot) || !select(each.snapshot)) continue;
    if (known.has(each.snapshot)) present++;
    else chosen.push({ ...each, json: copiedSnapshotJson(each.snapshot, each.json) });
  }
  chosen.sort((a, b) => a.snapshot.time.getTime() - b.snapshot.time.getTime());
  return { chosen, present, known };
}

async function* readSnapshots(
  access: RepositoryAccess,
  onBad: (problem: string) => void,
  signal?: AbortSignal,
  /** Those that are passed over; grows by those that are read. */
  seen = new Set<string>(),
): AsyncGenerator<ChosenSnapshot, void, undefined> {
  for (const { name } of await access.location.list('snapshots', signal)) {
    throwIfAborted(signal);
    if (seen.has(name)) continue;
    seen.add(name);
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
