import { isCheckpoint } from '../forget/decide.ts';
import { parseObject } from '../format/json-shape.ts';
import type { Snapshot } from '../repository.ts';

/** The id that a snapshot keeps through all its copies: that of the first, as restic's `copy` has it. */
export function lastingId({ id, original }: Snapshot): string {
  return original === undefined || /^0+$/.test(original) ? id : original;
}

/**
 * The JSON of a snapshot for another repository. Its parent means nothing there; `original` keeps its lasting id. All else
 * stays as it is stored, fields that this program does not know included.
 */
export function copiedSnapshotJson(snapshot: Snapshot, json: string): string {
  const { parent: _, ...rest } = parseObject(json, 'snapshot');
  return JSON.stringify({ ...rest, original: lastingId(snapshot) });
}

/** restic's rule (cmd_copy.go): the same snapshot, whatever its parent and its id. */
export function isCopyOf(a: Snapshot, b: Snapshot): boolean {
  const instant = ({ time, timeNs }: Snapshot) => timeNs ?? BigInt(time.getTime()) * 1_000_000n;
  return (
    instant(a) === instant(b) &&
    a.tree === b.tree &&
    a.hostname === b.hostname &&
    a.username === b.username &&
    (a.uid ?? 0) === (b.uid ?? 0) &&
    (a.gid ?? 0) === (b.gid ?? 0) &&
    sameMembers(a.paths, b.paths) &&
    sameMembers(a.tags, b.tags) &&
    sameOrder(a.excludes ?? [], b.excludes ?? [])
  );
}

/** The snapshots of a destination by every id that a copy may be known by. */
export class PresentSnapshots {
  readonly #byId = new Map<string, Snapshot[]>();

  constructor(snapshots: readonly Snapshot[] = []) {
    for (const snapshot of snapshots) this.add(snapshot);
  }

  add(snapshot: Snapshot): void {
    for (const id of new Set([snapshot.id, lastingId(snapshot)])) {
      this.#byId.set(id, [...(this.#byId.get(id) ?? []), snapshot]);
    }
  }

  has(snapshot: Snapshot): boolean {
    const candidates = this.#byId.get(lastingId(snapshot)) ?? [];
    return candidates.some((each) => isCopyOf(each, snapshot));
  }
}

/** The snapshots of one repository that the other does not have. */
export function uncopied(from: readonly Snapshot[], to: readonly Snapshot[]): readonly Snapshot[] {
  const there = new PresentSnapshots(to);
  return from.filter((each) => !isCheckpoint(each) && !there.has(each));
}

function sameMembers(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && b.every((each) => a.includes(each));
}

function sameOrder(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((each, nth) => each === b[nth]);
}
