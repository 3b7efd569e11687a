import { randomBytes } from 'node:crypto';
import type { Session } from '../rescue/session.ts';
import { quoteName } from '../rescue/sql-text.ts';

/** Makes a role that may read everything and change nothing. Before 14 it may read nothing yet. */
export async function makeReader(session: Session, major: number): Promise<string> {
  const reader = `lifeboat_reader_${randomBytes(4).toString('hex')}`;
  const name = quoteName(reader);
  await session.run(`create role ${name} login bypassrls connection limit -1`);
  if (major >= 14) await session.run(`grant pg_read_all_data to ${name}`);
  return reader;
}
