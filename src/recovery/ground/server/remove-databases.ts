import { isLifeboatError } from '../../../core/index.ts';
import type { Session } from '../../rescue/session.ts';
import { quoteName } from '../../rescue/sql-text.ts';
import type { DatabaseRemoval, GroundRequest } from '../ground.ts';

/**
 * Removes those of the databases that are there. Which they are, and from where on in the log of the server, is told first: there it looks
 * like a loss, and its name, which anybody may have given to another one, would prove nothing. `isOurs`: sessions in them are ended.
 */
export async function removeDatabases(
  session: Session,
  names: readonly string[],
  { isOurs, request }: { readonly isOurs: boolean; readonly request: GroundRequest },
): Promise<void> {
  const databases = await session.rows<{ oid: number; name: string }>(
    `select oid::int8::float8 as oid, datname::text as name from pg_database where datname = any($1) order by 1`,
    [names],
  );
  if (databases.length === 0) return;
  const removal = request.willRemove && (await removalOf(session, databases));
  if (removal) await request.willRemove?.(removal);
  const force = isOurs ? ' with (force)' : '';
  for (const { name } of databases) {
    await session.run(`drop database if exists ${quoteName(name)}${force}`);
  }
}

/** Undefined: the role may not see where the log is. It is taken for a loss then, rather than a loss for it. */
async function removalOf(
  session: Session,
  databases: DatabaseRemoval['databases'],
): Promise<DatabaseRemoval | undefined> {
  try {
    const [row] = await session.rows<{ systemId: string; lsn: string; file: string }>(
      `select system_identifier::text as "systemId", lsn::text as lsn, pg_walfile_name(lsn) as file
         from pg_control_system(), pg_current_wal_lsn() as lsn`,
    );
    if (row === undefined) return undefined;
    const { systemId, lsn, file } = row;
    return { systemId, timeline: Number.parseInt(file.slice(0, 8), 16), lsn, databases };
  } catch (error) {
    if (!isLifeboatError(error, 'postgres.query', 'postgres.refused')) throw error;
    return undefined;
  }
}
