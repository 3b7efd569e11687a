import { createHash } from 'node:crypto';
import { type ErrorContext, isLifeboatError, LifeboatError } from '../../../core/index.ts';
import { formatLsn, type Lsn, segmentStart } from '../../../wal/index.ts';
import type { ConnectionSettings } from '../connection-settings.ts';
import { readLsn } from '../protocol/backend-messages.ts';
import { connectReplication } from '../protocol/connect-replication.ts';
import type { ReplicationConnection } from '../protocol/replication-connection.ts';
import { quoteIdentifier } from '../protocol/server-error.ts';
import type { WalPosition } from './wal-position.ts';

const nameBytesMax = 63;

/** The slot of a source: `lifeboat_<name>`. Names that had to be changed get a mark, so that no two sources share a slot. */
export function slotName(source: string): string {
  const safe = `lifeboat_${source.toLowerCase().replace(/[^a-z0-9_]/g, '_')}`;
  if (safe === `lifeboat_${source}` && safe.length <= nameBytesMax) return safe;
  const mark = createHash('sha256').update(source).digest('hex').slice(0, 8);
  return `${safe.slice(0, nameBytesMax - 9)}_${mark}`;
}

/**
 * Creates the slot so that it keeps WAL from now on; one that exists is left as it is. Doing this before the first base
 * backup leaves no gap between the two.
 */
export async function createSlot(
  connection: ReplicationConnection,
  slot: string,
): Promise<'created' | 'existed'> {
  try {
    await connection.query(`CREATE_REPLICATION_SLOT ${quoteIdentifier(slot)} PHYSICAL RESERVE_WAL`);
    return 'created';
  } catch (error) {
    const sqlstate = sqlstateOf(error);
    if (sqlstate === '42710') return 'existed';
    // 53400: all slots are taken. 55000: max_replication_slots is 0.
    if (sqlstate === '53400' || sqlstate === '55000') throw noRoom(error, slot);
    throw slotError(error, slot);
  }
}

/** Start of the first segment that the slot keeps; before version 15 a server does not say, and the newest one is taken. */
export async function slotStart(
  connection: ReplicationConnection,
  slot: string,
  segmentSizeBytes: number,
): Promise<WalPosition> {
  const kept = await slotPosition(connection, slot, segmentSizeBytes);
  if (kept) return kept;
  const { timeline, flushLsn } = await connection.identifySystem();
  return { timeline, start: segmentStart(flushLsn, segmentSizeBytes) };
}

/** Start of the first segment that the slot keeps; undefined when there is none, and before version 15. */
export async function slotPosition(
  connection: ReplicationConnection,
  slot: string,
  segmentSizeBytes: number,
): Promise<WalPosition | undefined> {
  if (connection.serverVersion < 150000) return undefined;
  const command = `READ_REPLICATION_SLOT ${quoteIdentifier(slot)}`;
  const [, restartLsn, timeline] = (await connection.query(command))[0]?.rows[0] ?? [];
  if (!restartLsn || !timeline) return undefined;
  return {
    timeline: Number(timeline),
    start: segmentStart(readLsn(restartLsn), segmentSizeBytes),
  };
}

/** Drops the slot, so that the server keeps no WAL for us any more. Waits until nobody uses it. One that is gone is fine. */
export async function dropSlot(
  settings: ConnectionSettings,
  slot: string,
  signal?: AbortSignal,
): Promise<void> {
  await using connection = await connectReplication(settings, signal ? { signal } : {});
  await dropSlotOn(connection, slot);
}

export async function dropSlotOn(connection: ReplicationConnection, slot: string): Promise<void> {
  try {
    await connection.query(`DROP_REPLICATION_SLOT ${quoteIdentifier(slot)} WAIT`);
  } catch (error) {
    if (sqlstateOf(error) !== '42704') throw slotError(error, slot);
  }
}

/** Gives errors of slot and stream commands their own codes. */
export function slotError(
  error: unknown,
  slot: string,
  wanted?: Lsn,
  server: ErrorContext = {},
): unknown {
  const sqlstate = sqlstateOf(error);
  const fact = (error as Error).message;
  const context = wanted === undefined ? server : { ...server, wanted: formatLsn(wanted) };
  if (sqlstate === '55006') {
    return new LifeboatError('postgres.slot-busy', `the slot ${slot} is in use: ${fact}`, {
      hint: 'See pg_replication_slots.active_pid. Two streamers need two source names.',
      cause: error,
    });
  }
  // 42704: no such slot. 55000: invalidated. 58P01: the segment is removed.
  if (sqlstate === '42704' || sqlstate === '55000' || sqlstate === '58P01') {
    const where = wanted === undefined ? '' : ` (WAL is missing from ${formatLsn(wanted)} on)`;
    return new LifeboatError('postgres.slot-lost', `the slot ${slot} is lost${where}: ${fact}`, {
      hint: 'Renew the slot and take a new base backup at once: recovery across the gap is impossible. Raise max_slot_wal_keep_size.',
      context,
      cause: error,
    });
  }
  return error;
}

function noRoom(error: unknown, slot: string): LifeboatError {
  const fact = (error as Error).message;
  return new LifeboatError(
    'postgres.refused',
    `the server has no room for the slot ${slot}: ${fact}`,
    {
      hint: 'Set max_replication_slots = 10 or more and restart the server.',
      cause: error,
    },
  );
}

export function sqlstateOf(error: unknown): string | undefined {
  if (!isLifeboatError(error, 'postgres.query')) return undefined;
  return String(error.context.sqlstate);
}
