import { LifeboatError } from '../../../core/index.ts';
import { formatLsn } from '../../../wal/index.ts';
import type { ReplicationConnection } from '../protocol/replication-connection.ts';
import { type Reachability, reachability, type TimelineEnd } from './timeline-history.ts';
import type { WalPosition } from './wal-position.ts';

export interface ServerIdentity {
  readonly systemId: string;
  readonly timeline: number;
  readonly segmentSizeBytes: number;
  readonly flushLsn: bigint;
  readonly isStandby: boolean;
}

export async function identify(connection: ReplicationConnection): Promise<ServerIdentity> {
  const identity = await connection.identifySystem();
  return {
    ...identity,
    isStandby: await isStandby(connection),
    segmentSizeBytes: parseSegmentSize(await connection.show('wal_segment_size')),
  };
}

/** A transaction on a standby is read-only; on a primary it is not, as the login asks for. */
async function isStandby(connection: ReplicationConnection): Promise<boolean> {
  return (await connection.show('transaction_read_only')) === 'on';
}

/**
 * What a server that goes on after `position` must be: of the same history. Throws `postgres.standby-behind`, `.old-primary`,
 * `.other-cluster`.
 */
export function requireKnownHistory(
  server: ServerIdentity,
  position: WalPosition,
  serverHistory: readonly TimelineEnd[],
  ownHistory: readonly TimelineEnd[],
): Exclude<Reachability, { readonly kind: 'unrelated' }> {
  if (position.timeline > server.timeline) throw notThere(server, position, ownHistory);
  const { timeline, segmentSizeBytes } = server;
  const reached = reachability(position, timeline, serverHistory, ownHistory, segmentSizeBytes);
  if (reached.kind === 'unrelated') throw otherHistory(server, position);
  return reached;
}

/**
 * Refuses a server that was replaced when a recovery was taken back, by what the log knows of its timeline. Throws `postgres.old-primary`;
 * `log.conflict` for one that has begun another timeline of a number that was given up.
 */
export function requireNotGivenUp(
  { timeline }: ServerIdentity,
  { isGivenUp }: { readonly isGivenUp: (timeline: number) => boolean },
  serverHistory: readonly TimelineEnd[],
  knownHistory: readonly TimelineEnd[],
): void {
  if (!isGivenUp(timeline)) return;
  if (JSON.stringify(endsOf(serverHistory)) !== JSON.stringify(endsOf(knownHistory))) {
    throw new LifeboatError(
      'log.conflict',
      `the server has begun a timeline ${timeline} of its own, whose number the log has for one that was given up when a recovery was taken back`,
      {
        hint: 'Give the source another name in `sources`, and take a base backup, at once: until then nothing of what the server takes is kept.',
      },
    );
  }
  throw new LifeboatError(
    'postgres.old-primary',
    `the server is on timeline ${timeline}, which was given up when the recovery that began it was taken back`,
    { hint: replaced },
  );
}

function endsOf(history: readonly TimelineEnd[]) {
  return history.map(({ timeline, switchLsn }) => [timeline, formatLsn(switchLsn)]);
}

const replaced =
  'Let nobody write to it: what it takes is part of no backup. Name the present primary in the connection of the source, and make the old one its standby (pg_rewind).';

/** The cluster has gone on to a later timeline than the server's. */
function notThere(
  server: ServerIdentity,
  position: WalPosition,
  ownHistory: readonly TimelineEnd[],
): LifeboatError {
  if (server.isStandby) {
    return new LifeboatError(
      'postgres.standby-behind',
      `the standby is on timeline ${server.timeline}, not yet on ${position.timeline}, of which WAL was received already`,
      { retryable: true },
    );
  }
  const left = ownHistory.find(({ timeline }) => timeline === server.timeline);
  if (!left) return otherHistory(server, position);
  return new LifeboatError(
    'postgres.old-primary',
    `the server is a primary on timeline ${server.timeline}, which the cluster left at ${formatLsn(left.switchLsn)} for timeline ${position.timeline}: it was replaced, and came back`,
    { hint: replaced },
  );
}

function otherHistory(server: ServerIdentity, position: WalPosition): LifeboatError {
  return new LifeboatError(
    'postgres.other-cluster',
    `the server is on timeline ${server.timeline}, whose history does not hold timeline ${position.timeline}`,
    {
      hint: 'The server was set back or restored to another branch. Give it a source name of its own and take a base backup.',
    },
  );
}

/** `16MB`, `1GB`: how SHOW prints wal_segment_size. */
function parseSegmentSize(text: string): number {
  const match = /^(\d{1,4})(MB|GB)$/.exec(text);
  const bytes = Number(match?.[1]) * (match?.[2] === 'GB' ? 2 ** 30 : 2 ** 20);
  if (bytes >= 2 ** 20 && bytes <= 2 ** 30 && Number.isInteger(Math.log2(bytes))) return bytes;
  throw new LifeboatError('postgres.protocol', `the server said wal_segment_size is ${text}`);
}
