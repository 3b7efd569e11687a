import { parseLsn } from '../../../wal/index.ts';
import type { RecoveryWindow } from './recovery-windows.ts';

/** What can be restored of a timeline only by naming it; behind `afterLsn`, where it is left there. */
export interface OnlyByName extends RecoveryWindow {
  readonly afterLsn?: string;
}

/**
 * Of a timeline that was given up and that a later recovery went on along, by its name, the beginning lies in an ordinary window. Undefined
 * when all of it does.
 */
export function onlyByName(
  givenUp: RecoveryWindow,
  windows: readonly RecoveryWindow[],
): OnlyByName | undefined {
  const { timeline, toLsn } = givenUp;
  const passed = windows.flatMap((each) => [
    ...(each.timeline === timeline ? [each.toLsn] : []),
    ...(each.forks ?? []).filter((fork) => fork.timeline === timeline).map(({ lsn }) => lsn),
  ]);
  const [afterLsn] = passed.toSorted((a, b) => (parseLsn(a) > parseLsn(b) ? -1 : 1));
  if (afterLsn === undefined) return givenUp;
  return parseLsn(afterLsn) >= parseLsn(toLsn) ? undefined : { ...givenUp, afterLsn };
}
