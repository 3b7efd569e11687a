import type { Log } from '../../../repository/index.ts';
import { formatLsn, type Lsn, lsn } from '../../../wal/index.ts';
import type { LogGap } from '../../source.ts';
import type { ConnectionSettings } from '../connection-settings.ts';
import { connectReplication } from '../protocol/connect-replication.ts';
import type { ReplicationConnection } from '../protocol/replication-connection.ts';
import { LogCoverage } from './log-coverage.ts';
import { identify } from './server-identity.ts';
import { createSlot, dropSlotOn, slotStart } from './slot.ts';
import { Spool } from './spool.ts';
import { claimCluster, followHistory } from './start-position.ts';
import { later } from './wal-position.ts';

/**
 * After `postgres.slot-lost`: makes the slot anew, so that `streamWal` can go on from the server's present position. Returns what
 * is missing (undefined when nothing is). A new base backup has to follow.
 */
export async function renewSlot(options: {
  /** Of the server whose slot is lost, alone: what another one keeps must stay. */
  readonly settings: ConnectionSettings;
  readonly slot: string;
  readonly log: Log;
  readonly spoolFolder: string;
  readonly signal?: AbortSignal;
}): Promise<LogGap | undefined> {
  const { settings, signal } = options;
  await using spool = await Spool.open(options.spoolFolder);
  await using connection = await connectReplication(settings, signal ? { signal } : {});
  return await renewOn(connection, spool, options);
}

async function renewOn(
  connection: ReplicationConnection,
  spool: Spool,
  { slot, log }: { readonly slot: string; readonly log: Log },
): Promise<LogGap | undefined> {
  const coverage = new LogCoverage(log);
  const server = await identify(connection);
  await coverage.load();
  await claimCluster(server, undefined, spool, coverage);
  const held = later(
    spool.continuation(coverage.isGivenUp),
    coverage.continuation(server.segmentSizeBytes),
  );
  // Where the server's history leaves ours, before which nothing is missing.
  const reached =
    held && (await followHistory(connection, server, held, { spool, coverage }, () => {}));
  const heldEnd = held && furthest(coverage.endFrom(held), spool.endFrom(held));
  await dropSlotOn(connection, slot);
  await createSlot(connection, slot);
  const position = await slotStart(connection, slot, server.segmentSizeBytes);
  await spool.continueAt(position);
  if (!held || !reached || heldEnd === undefined) return undefined;
  const isSame = reached.timeline === held.timeline;
  const start = isSame ? heldEnd : reached.start;
  if (reached.timeline === position.timeline && start >= position.start) return undefined;
  return { timeline: reached.timeline, start: formatLsn(start), end: formatLsn(position.start) };
}

function furthest(a: bigint, b: bigint): Lsn {
  return lsn(a > b ? a : b);
}
