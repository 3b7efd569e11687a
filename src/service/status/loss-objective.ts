import type { RecoveryWindow } from '../../sources/index.ts';
import type { StreamStatus } from './stream-status.ts';

/** What may be lost of a source as is promised, against what would be lost now. */
export interface LossObjective {
  readonly rpoMs: number;
  /** How old the newest state is that can be restored from the repository; absent: there is none. */
  readonly ageMs?: number;
  readonly isMissed: boolean;
}

/** Undefined: nothing is promised. A server where nothing was committed for a while counts as stored until now while its log is streamed. */
export function lossObjective(seen: {
  readonly rpoMs: number | undefined;
  readonly lastBackup: Date | undefined;
  readonly window: RecoveryWindow | undefined;
  readonly stream: StreamStatus | undefined;
  readonly now: Date;
}): LossObjective | undefined {
  const { rpoMs, lastBackup, window, stream, now } = seen;
  if (rpoMs === undefined) return undefined;
  if (lastBackup === undefined) return { rpoMs, isMissed: true };
  const since = (time: Date) => Math.max(0, now.getTime() - time.getTime());
  const ages = [since(lastBackup), ...(window === undefined ? [] : [since(window.to)])];
  // Without an unbroken log what is streamed now cannot be reached.
  const isUnbroken = window !== undefined && window.missingSegment === undefined;
  if (isUnbroken && stream?.rpoWithoutBothMs !== undefined) ages.push(stream.rpoWithoutBothMs);
  const ageMs = Math.min(...ages);
  return { rpoMs, ageMs, isMissed: ageMs > rpoMs };
}
