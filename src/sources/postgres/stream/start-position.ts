import { isLifeboatError, LifeboatError } from '../../../core/index.ts';
import { formatLsn, lsn } from '../../../wal/index.ts';
import type { ReplicationConnection } from '../protocol/replication-connection.ts';
import type { LogCoverage } from './log-coverage.ts';
import { requireKnownHistory, requireNotGivenUp, type ServerIdentity } from './server-identity.ts';
import { createSlot, slotStart } from './slot.ts';
import type { Spool } from './spool.ts';
import { listHistoryFiles } from './spool-folder.ts';
import { fetchHistory, historyFileName, parseTimelineHistory } from './timeline-history.ts';
import { later, type WalPosition } from './wal-position.ts';

/** How long a spool that could go on by itself waits for the repository to say what it holds. */
const coveragePatienceMs = 10_000;

/** Ties spool and log to the cluster, or throws `postgres.other-cluster`. */
export async function claimCluster(
  server: ServerIdentity,
  expected: string | undefined,
  spool: Spool,
  coverage: LogCoverage,
): Promise<void> {
  if (expected !== undefined && expected !== server.systemId) {
    throw new LifeboatError(
      'postgres.other-cluster',
      `the server is the cluster ${server.systemId}, expected was ${expected}`,
      { hint: 'Give the new cluster a source name of its own.' },
    );
  }
  if (spool.header) await loadPatiently(coverage);
  else await coverage.load();
  coverage.refuseOther(server.systemId);
  await spool.claim(server.systemId, server.segmentSizeBytes);
}

/** Where the stream has to go on. A cluster that was never streamed gets its slot, and starts where the slot does. */
export async function findStart(
  connection: ReplicationConnection,
  server: ServerIdentity,
  slot: string,
  spool: Spool,
  coverage: LogCoverage,
): Promise<WalPosition> {
  const known = later(
    spool.continuation(coverage.isGivenUp),
    coverage.continuation(server.segmentSizeBytes),
  );
  if (known) return known;
  await createSlot(connection, slot);
  return slotStart(connection, slot, server.segmentSizeBytes);
}

/**
 * Follows the server's history when it left our timeline, and spools the history files that are new. Returns the position
 * to stream from; `onLeftBehind` hears when WAL that we have is not part of the server's history. Throws
 * `postgres.standby-behind`, `.old-primary`, `.other-cluster`, `log.conflict`.
 */
export async function followHistory(
  connection: ReplicationConnection,
  server: ServerIdentity,
  position: WalPosition,
  { spool, coverage }: { readonly spool: Spool; readonly coverage: LogCoverage },
  onLeftBehind: (fact: string) => void,
): Promise<WalPosition> {
  await requireNotLeft(connection, server, coverage);
  let newest = '';
  const known = new Set(await listHistoryFiles(spool.folder));
  for (let timeline = 2; timeline <= server.timeline; timeline += 1) {
    // A server that recovers to the newest timeline probes them one by one, so none may be left out.
    if (timeline < server.timeline && known.has(historyFileName(timeline))) continue;
    const file = await fetchHistory(connection, timeline);
    if (!file) continue;
    await spool.writeHistoryFile(file.name, file.bytes);
    newest = file.bytes.toString();
  }
  const history = parseTimelineHistory(newest);
  const ownName = historyFileName(position.timeline);
  const own = (await spool.readHistoryFile(ownName)) ?? (await coverage.historyFile(ownName));
  const ownHistory = parseTimelineHistory(Buffer.from(own ?? []).toString());
  const { timeline } = server;
  const reached = requireKnownHistory(server, position, history, ownHistory);
  if (reached.kind === 'left-behind') {
    onLeftBehind(
      `the server went another way at ${formatLsn(reached.switchLsn)}, as timeline ${timeline}: what was received of timeline ${position.timeline} after that is kept, and can be restored by its name, but is no part of the server's history`,
    );
    return reached.next;
  }
  await refuseSetBack(connection, server, position);
  return position;
}

/** Before anything of the server is taken. Throws `postgres.old-primary`, `log.conflict`. */
export async function requireNotLeft(
  connection: ReplicationConnection,
  server: ServerIdentity,
  coverage: LogCoverage,
): Promise<void> {
  const { timeline } = server;
  if (!coverage.isGivenUp(timeline)) return;
  const theirs = await fetchHistory(connection, timeline);
  const known = await coverage.historyFile(historyFileName(timeline));
  const parsed = (bytes: Uint8Array | undefined) =>
    parseTimelineHistory(Buffer.from(bytes ?? []).toString());
  requireNotGivenUp(server, coverage, parsed(theirs?.bytes), parsed(known));
}

/** On its own timeline a server cannot have less than it sent. */
async function refuseSetBack(
  connection: ReplicationConnection,
  server: ServerIdentity,
  position: WalPosition,
): Promise<void> {
  if (position.timeline !== server.timeline || position.start <= server.flushLsn) return;
  // It may have written that much since it was asked first: a new slot begins at its present position.
  const { flushLsn } = await connection.identifySystem();
  if (position.start <= flushLsn) return;
  if (server.isStandby) {
    throw new LifeboatError(
      'postgres.standby-behind',
      `the standby has WAL up to ${formatLsn(flushLsn)} only; ${formatLsn(position.start)} was received already`,
      { retryable: true },
    );
  }
  throw new LifeboatError(
    'postgres.other-cluster',
    `the server's WAL ends at ${formatLsn(flushLsn)}, before ${formatLsn(position.start)}, which was received already`,
    {
      hint: 'The server was set back to an older state. Give it a source name of its own and take a base backup.',
    },
  );
}

/**
 * The whole segment before a position, when we hold it and nothing in the log says that the server at the position is the one
 * whose WAL we have. It is asked for once more and compared: the server may have been set back to an older state and grown
 * past `position` another way.
 */
export function heldBefore(
  { timeline, start }: WalPosition,
  { segmentSizeBytes }: ServerIdentity,
  spool: Spool,
  coverage: LogCoverage,
): WalPosition | undefined {
  const before = { timeline, start: lsn(start - BigInt(segmentSizeBytes)) };
  const held = spool.segments.find((each) => each.timeline === timeline && each.start === start);
  const isCompared = coverage.isKnown
    ? coverage.endFrom({ timeline, start }) > start
    : (held?.lengthBytes ?? 0) > 0;
  if (isCompared || before.start < 0n) return undefined;
  const inSpool = spool.segments.some(
    (each) =>
      each.timeline === timeline &&
      each.start === before.start &&
      each.lengthBytes === segmentSizeBytes,
  );
  return inSpool || coverage.endFrom(before) >= start ? before : undefined;
}

async function loadPatiently(coverage: LogCoverage): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const patience = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, coveragePatienceMs);
  });
  try {
    await Promise.race([coverage.load(), patience]);
  } catch (error) {
    // The spool knows enough to go on; the uploader reports what is wrong with the repository.
    if (isLifeboatError(error, 'bug')) throw error;
  } finally {
    clearTimeout(timer);
  }
}
