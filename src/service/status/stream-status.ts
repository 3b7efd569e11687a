import type { StreamState } from '../../sources/index.ts';
import { isServing } from '../instance-lock.ts';
import { readStreamNote, type StreamNote } from '../stream-note.ts';

/** Several times as long as `serve` takes between two notes. */
const silentMaxMs = 60_000;

export interface StreamStatus {
  /** When `serve` said so. */
  readonly time: Date;
  /** `dead`: it has not said anything for a minute. `retrying`: it runs, and nothing is streamed until its next try. */
  readonly phase: StreamState['phase'] | 'dead' | 'retrying';
  /** Of `retrying`. */
  readonly nextTry?: Date;
  readonly problem?: string;
  /** What the loss of the database's host would take now: everything committed in this long. */
  readonly rpoWithoutDatabaseMs?: number;
  /** What the loss of that and of this host would take. */
  readonly rpoWithoutBothMs?: number;
  readonly writtenMs?: number;
  readonly flushedMs?: number;
  readonly slot?: StreamNote['slot'];
  readonly alarms?: StreamNote['alarms'];
}

/** Undefined when `serve` never streamed this source on this host. */
export async function streamStatus(
  stateFolder: string,
  source: string,
  now: Date,
): Promise<StreamStatus | undefined> {
  const note = await readStreamNote(stateFolder, source);
  if (note === undefined) return undefined;
  const { source: _, writtenUntil, flushedUntil, time, nextTry, ...rest } = note;
  const isSilent = now.getTime() - time.getTime() > silentMaxMs && note.phase !== 'stopped';
  // While somebody is at work what has happened since its note is not known, and nothing says that it got worse.
  const at = isSilent || note.phase === 'stopped' ? now : time;
  // What waits for its next try when it ends leaves the same note.
  const isRetrying = nextTry !== undefined && (await isServing(stateFolder));
  const since = (until: Date | undefined) => until && Math.max(0, at.getTime() - until.getTime());
  const withoutDatabase = since(writtenUntil);
  const withoutBoth = since(flushedUntil);
  return {
    ...rest,
    time,
    ...(isSilent ? { phase: 'dead' as const } : {}),
    ...(isRetrying ? { phase: 'retrying' as const, nextTry } : {}),
    ...(withoutDatabase === undefined ? {} : { rpoWithoutDatabaseMs: withoutDatabase }),
    ...(withoutBoth === undefined ? {} : { rpoWithoutBothMs: withoutBoth }),
  };
}
