import { LifeboatError } from '../../core/index.ts';
import {
  type ClientPrograms,
  type ConnectionSettings,
  preferPrimary,
} from '../../sources/index.ts';
import { openSession, type Session } from '../rescue/session.ts';
import { quoteName } from '../rescue/sql-text.ts';
import { readTargetRoles, type TargetRoles } from './adapt-rights.ts';

/** The server that gets the parts. */
export interface TargetServer extends AsyncDisposable {
  readonly session: Session;
  /** Of the one server that the session is on. */
  readonly connection: ConnectionSettings;
  readonly roles: TargetRoles;
  readonly isReadOnly: boolean;
}

/** Errors: `usage.invalid` (a standby, an older version), `postgres.*`. */
export async function openTarget(
  connection: ConnectionSettings,
  programs: ClientPrograms,
  signal: AbortSignal | undefined,
): Promise<TargetServer> {
  const session = await openSession(preferPrimary(connection), signal);
  try {
    const [facts] = await session.rows<{ major: number; standby: boolean; readOnly: boolean }>(
      `select current_setting('server_version_num')::int4 / 10000 as major, pg_is_in_recovery() as standby,
         current_setting('default_transaction_read_only')::bool as "readOnly"`,
    );
    const { major = 0, standby = false, readOnly = false } = facts ?? {};
    if (standby) throw unusable(`${session.place} is a standby`, 'Name the primary server.');
    if (major < programs.major) {
      throw unusable(
        `${session.place} is PostgreSQL ${major}, the dump would be of ${programs.major}`,
        'A dump loads into the same or a newer version. Write a file with --to-file FILE --format plain and adapt it.',
      );
    }
    const roles = await readTargetRoles(session);
    const dispose = () => session[Symbol.asyncDispose]();
    const place = { session, connection: session.settings, roles, isReadOnly: readOnly };
    return { ...place, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await session[Symbol.asyncDispose]();
    throw error;
  }
}

export async function schemaExists({ session }: TargetServer, name: string): Promise<boolean> {
  return (await session.rows('select from pg_namespace where nspname = $1', [name])).length > 0;
}

/**
 * Single tables, and what pg_restore takes of a dump by --schema, come without their schema. One that is made here stays when the load
 * fails: empty, it harms nobody.
 */
export async function makeSchemas(target: TargetServer, names: readonly string[]): Promise<void> {
  const { session, isReadOnly } = target;
  for (const name of names) {
    // Even IF NOT EXISTS asks for the right to make one.
    if (await schemaExists(target, name)) continue;
    await session.run(`begin ${isReadOnly ? 'read write' : ''}`);
    await session.run(`create schema if not exists ${quoteName(name)}`);
    await session.run('commit');
  }
}

function unusable(fact: string, hint: string): LifeboatError {
  return new LifeboatError('usage.invalid', fact, { hint });
}
