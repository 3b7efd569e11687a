import { randomBytes } from 'node:crypto';
import { isLifeboatError, type Progress } from '../../../core/index.ts';
import type { ConnectionSettings } from '../connection-settings.ts';
import type { ReplicationConnection } from '../protocol/replication-connection.ts';
import { connectForBackup } from './server-facts.ts';

/** No slot is free; slots are switched off; the role or server does not allow them. */
const unavailable = new Set(['53400', '55000', '42501']);

export interface HeldWal extends AsyncDisposable {
  readonly connection: ReplicationConnection;
  /** Undefined when there is none, and the server may remove WAL meanwhile. */
  readonly slot: string | undefined;
}

/**
 * Makes the server keep all WAL from now on until what is returned is disposed, or breaks. Without a free slot the
 * backup goes on all the same: it fails in the end if, and only if, WAL really went missing.
 */
export async function holdWal(
  settings: ConnectionSettings,
  signal: AbortSignal | undefined,
  progress: Progress,
): Promise<HeldWal> {
  const connection = await connectForBackup(settings, signal);
  const held = (slot: string | undefined) => ({
    connection,
    slot,
    [Symbol.asyncDispose]: () => connection[Symbol.asyncDispose](),
  });
  try {
    const name = `lifeboat_backup_${randomBytes(6).toString('hex')}`;
    await connection.query(`CREATE_REPLICATION_SLOT ${name} TEMPORARY PHYSICAL RESERVE_WAL`);
    return held(name);
  } catch (error) {
    if (
      !isLifeboatError(error, 'postgres.query') ||
      !unavailable.has(`${error.context.sqlstate}`)
    ) {
      await connection[Symbol.asyncDispose]();
      throw error;
    }
    progress({
      type: 'warning',
      message: `no temporary replication slot for the backup: ${error.message}`,
      hint: 'Raise max_replication_slots, or the server may remove WAL that a long backup needs.',
    });
  }
  return held(undefined);
}
