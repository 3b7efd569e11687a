import { type Lsn, parseLsn, segmentStart, timelineStream } from '../../../wal/index.ts';
import type { ReplicationConnection } from '../protocol/replication-connection.ts';
import { sqlstateOf } from './slot.ts';
import type { WalPosition } from './wal-position.ts';

/** One line of a history file: a former timeline and where the next one left it. */
export interface TimelineEnd {
  readonly timeline: number;
  readonly switchLsn: Lsn;
}

export interface HistoryFile {
  readonly timeline: number;
  readonly name: string;
  readonly bytes: Buffer;
}

/** Lines are `<timeline> <tab> <LSN> <tab> <reason>`; `#` begins a comment (timeline.c, readTimeLineHistory). */
export function parseTimelineHistory(text: string): readonly TimelineEnd[] {
  return text.split('\n').flatMap((line) => {
    const match = /^\s*(\d+)\s+([0-9A-Fa-f]+\/[0-9A-Fa-f]+)/.exec(line);
    return match ? [{ timeline: Number(match[1]), switchLsn: parseLsn(match[2] as string) }] : [];
  });
}

export function historyFileName(timeline: number): string {
  return `${timelineStream(timeline)}.history`;
}

/** The history file of a timeline; undefined when the server does not have it. Timeline 1 has none. */
export async function fetchHistory(
  connection: ReplicationConnection,
  timeline: number,
): Promise<HistoryFile | undefined> {
  if (timeline <= 1) return undefined;
  try {
    const row = (await connection.query(`TIMELINE_HISTORY ${timeline}`))[0]?.rows[0];
    if (!row?.[1]) return undefined;
    return {
      timeline,
      name: historyFileName(timeline),
      bytes: Buffer.from(row[1]),
    };
  } catch (error) {
    // undefined_file
    if (sqlstateOf(error) === '58P01') return undefined;
    throw error;
  }
}

export type Reachability =
  | { readonly kind: 'same' }
  /** The server left our history before our position: what came after lives on in no server. */
  | { readonly kind: 'left-behind'; readonly next: WalPosition; readonly switchLsn: Lsn }
  /** Nothing is known that our position and the server have in common. */
  | { readonly kind: 'unrelated' };

/** Timelines in order, each with where the next one left it; the last has no end. */
type History = readonly { readonly timeline: number; readonly switchLsn?: Lsn }[];

/**
 * Whether a server on `serverTimeline` can send WAL from `position`, and if not, where its history leaves ours. `ownHistory` is
 * that of the position's timeline, as far as it is known.
 */
export function reachability(
  position: WalPosition,
  serverTimeline: number,
  serverHistory: readonly TimelineEnd[],
  ownHistory: readonly TimelineEnd[],
  segmentSizeBytes: number,
): Reachability {
  if (position.timeline === serverTimeline) return { kind: 'same' };
  const theirs: History = [...serverHistory, { timeline: serverTimeline }];
  const ours: History = [...ownHistory, { timeline: position.timeline, switchLsn: position.start }];
  const shared = ours.findLast(({ timeline }) => theirs.some((each) => each.timeline === timeline));
  const index = theirs.findIndex(({ timeline }) => timeline === shared?.timeline);
  const left = theirs[index];
  if (!shared?.switchLsn || !left) return { kind: 'unrelated' };
  const leftAt = left.switchLsn;
  if (leftAt === undefined || shared.switchLsn <= leftAt) {
    if (shared.timeline === position.timeline) return { kind: 'same' };
    // Ours left the shared timeline first; theirs went on with it.
    return leftBehind(left.timeline, shared.switchLsn, segmentSizeBytes);
  }
  return leftBehind(theirs[index + 1]?.timeline ?? serverTimeline, leftAt, segmentSizeBytes);
}

function leftBehind(timeline: number, switchLsn: Lsn, segmentSizeBytes: number): Reachability {
  const next = { timeline, start: segmentStart(switchLsn, segmentSizeBytes) };
  return { kind: 'left-behind', next, switchLsn };
}
