import { isLifeboatError, LifeboatError } from '../../../core/index.ts';
import { type ConnectionSettings, describeConnection } from '../connection-settings.ts';
import { connectReplication } from '../protocol/connect-replication.ts';
import type { ReplicationConnection } from '../protocol/replication-connection.ts';
import { connectSql } from '../sql-connection.ts';
import { replaySettings } from './default-configuration.ts';

/** What the backup must know of the server beforehand. */
export interface ServerFacts {
  /** Decimal. */
  readonly systemId: string;
  readonly segmentSizeBytes: number;
  readonly pageSizeBytes: number;
  /** Pages in one file of a relation. */
  readonly segmentPages: number;
  readonly dataChecksums: boolean;
  readonly replaySettings: ReadonlyMap<string, string>;
}

/**
 * Connects for replication. A server that cannot give backups at all answers in ways that hide the reason, so it is
 * asked for it: `postgres.wal-level` with what to change.
 */
export async function connectForBackup(
  settings: ConnectionSettings,
  signal: AbortSignal | undefined,
): Promise<ReplicationConnection> {
  try {
    return await connectReplication(settings, {
      applicationName: 'lifeboat backup',
      ...(signal ? { signal } : {}),
    });
  } catch (error) {
    // With wal_level=minimal a server has no walsenders, and says only that they are all taken.
    if (isLifeboatError(error) && error.context.sqlstate === '53300') {
      if ((await walLevel(settings, signal)) === 'minimal') throw tooLittleWal(settings, error);
    }
    throw error;
  }
}

export async function readServerFacts(connection: ReplicationConnection): Promise<ServerFacts> {
  const pageSizeBytes = Number(await connection.show('block_size'));
  const senders = Number(await connection.show('max_wal_senders'));
  if (senders < 2) {
    throw new LifeboatError(
      'postgres.refused',
      `the server allows ${senders} connection for replication, a backup needs two`,
      {
        hint: 'Set max_wal_senders = 10 in postgresql.conf and restart the server.',
        context: { max_wal_senders: senders },
      },
    );
  }
  const values = new Map<string, string>();
  for (const name of replaySettings) values.set(name, await connection.show(name));
  return {
    systemId: (await connection.identifySystem()).systemId,
    segmentSizeBytes: bytes(await connection.show('wal_segment_size')),
    pageSizeBytes,
    segmentPages: bytes(await connection.show('segment_size')) / pageSizeBytes,
    dataChecksums: (await connection.show('data_checksums')) === 'on',
    replaySettings: values,
  };
}

async function walLevel(
  settings: ConnectionSettings,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  try {
    await using connection = await connectSql(settings, signal ? { signal } : {});
    const [row] = await connection.rows<{ wal_level: string }>('SHOW wal_level');
    return row?.wal_level;
  } catch {
    // A role may be allowed nothing but replication. Then the first error is all there is to say.
    return undefined;
  }
}

function tooLittleWal(settings: ConnectionSettings, cause: unknown): LifeboatError {
  return new LifeboatError(
    'postgres.wal-level',
    `${describeConnection(settings)} has wal_level = minimal, with which no backup can be made`,
    {
      hint: 'Set wal_level = replica and max_wal_senders = 10 in postgresql.conf and restart the server.',
      cause,
    },
  );
}

/** `16MB`, `1GB`: how the server writes sizes. */
function bytes(text: string): number {
  const match = /^(\d+)(B|kB|MB|GB|TB)$/.exec(text);
  const unit = { B: 0, kB: 1, MB: 2, GB: 3, TB: 4 }[match?.[2] ?? ''];
  if (unit === undefined) {
    throw new LifeboatError(
      'postgres.protocol',
      `the server named a size of ${JSON.stringify(text)}`,
    );
  }
  return Number(match?.[1]) * 1024 ** unit;
}
