import type { Log } from '../../../repository/index.ts';
import { formatLsn } from '../../../wal/index.ts';
import type { LogGap } from '../../source.ts';
import type { ConnectionSettings } from '../connection-settings.ts';
import { connectReplication } from '../protocol/connect-replication.ts';
import { LogCoverage } from './log-coverage.ts';
import { createSlot, dropSlotOn, slotStart } from './slot.ts';
import { Spool } from './spool.ts';
import { claimCluster, identify } from './start-position.ts';
import { later } from './wal-position.ts';

/**
 * After `postgres.slot-lost`: makes the slot anew, so that `streamWal` can go on from the server's present position. Returns what
 * is missing (undefined when nothing is). A new base backup has to follow.
 */
export async function renewSlot(options: {
  readonly settings: ConnectionSettings;
  readonly slot: string;
  readonly log: Log;
  readonly spoolFolder: string;
  readonly signal?: AbortSignal;
}): Promise<LogGap | undefined> {
  const { settings, slot, log, signal } = options;
  await using spool = await Spool.open(options.spoolFolder);
  await using connection = await connectReplication(settings, signal ? { signal } : {});
  const coverage = new LogCoverage(log);
  const server = await identify(connection);
  await coverage.load();
  await claimCluster(server, undefined, spool, coverage);
  const held = later(spool.continuation(), coverage.continuation(server.segmentSizeBytes));
  await dropSlotOn(connection, slot);
  await createSlot(connection, slot);
  const position = await slotStart(connection, slot, server.segmentSizeBytes);
  await spool.continueAt(position);
  if (!held || (held.timeline === position.timeline && held.start >= position.start)) {
    return undefined;
  }
  return {
    timeline: held.timeline,
    start: formatLsn(held.start),
    end: formatLsn(position.start),
  };
}
