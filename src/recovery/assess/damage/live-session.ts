import type { ConnectionSettings } from '../../../sources/index.ts';
import { openSession, type Session } from '../../rescue/session.ts';
import type { PartWork } from './part-runner.ts';

const connectTimeoutMs = 8000;

/** A session on a server that may be half broken: it only reads, waits for no lock, and no statement outlives the part. */
export async function openLive(
  connection: ConnectionSettings,
  part: Pick<PartWork, 'signal' | 'leftMs'>,
): Promise<Session> {
  const patient = { ...connection, connectTimeoutMs: Math.ceil(patienceOf(part)) };
  const session = await openSession(patient, part.signal);
  try {
    const limit = Math.max(1, Math.ceil(part.leftMs()));
    await session.run(
      `set application_name = 'lifeboat assess'; set statement_timeout = ${limit}; set lock_timeout = '2s'; set default_transaction_read_only = on`,
    );
    return session;
  } catch (error) {
    await session[Symbol.asyncDispose]();
    throw error;
  }
}

function patienceOf(part: Pick<PartWork, 'leftMs'>): number {
  return Math.max(1, Math.min(connectTimeoutMs, part.leftMs()));
}
