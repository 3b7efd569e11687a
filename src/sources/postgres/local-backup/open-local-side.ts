import { isLifeboatError, LifeboatError, type Progress } from '../../../core/index.ts';
import type { BackupPostgresOptions } from '../base-backup/backup-postgres.ts';
import type { ServerFacts } from '../base-backup/server-facts.ts';
import { connectSql, type SqlConnection } from '../sql-connection.ts';
import { type DataPlace, findDataFolder } from './find-data-folder.ts';

/** The data directory, and the session that keeps the server in backup mode. */
export interface LocalSide extends AsyncDisposable {
  readonly place: DataPlace;
  readonly sql: SqlConnection;
}

/**
 * Undefined when the files are to come over the connection: by the settings, or with `auto` because the data directory is not to
 * be had here. A folder that was named and cannot be used is `backup.incomplete`.
 */
export async function openLocalSide(
  { local = 'never', settings, signal }: BackupPostgresOptions,
  facts: ServerFacts,
  slot: string | undefined,
  progress: Progress,
): Promise<LocalSide | undefined> {
  if (local === 'never') return undefined;
  const [side, problem] = await open(local, settings, signal, facts, slot);
  if (side) return side;
  if (local !== 'auto') throw notLocal(local, problem);
  // Of a server elsewhere nobody expects it.
  if (isHere(settings.host)) {
    progress({ type: 'note', message: `read over the connection, not from the files: ${problem}` });
  }
  return undefined;
}

async function open(
  local: string,
  settings: BackupPostgresOptions['settings'],
  signal: AbortSignal | undefined,
  facts: ServerFacts,
  slot: string | undefined,
): Promise<[LocalSide, undefined] | [undefined, string]> {
  if (slot === undefined) return [undefined, 'there is no free replication slot'];
  let sql: SqlConnection;
  try {
    sql = await connectSql(settings, signal ? { signal } : {});
  } catch (error) {
    // A role may be allowed nothing but replication.
    if (!isLifeboatError(error, 'postgres.refused')) throw error;
    return [undefined, error.message];
  }
  let isTaken = false;
  try {
    const refused = await refusal(sql);
    if (refused) return [undefined, refused];
    const { systemId } = facts;
    const place = await findDataFolder({ local, sql, systemId, slot, signal });
    if ('problem' in place) return [undefined, place.problem];
    isTaken = true;
    return [{ place, sql, [Symbol.asyncDispose]: () => sql[Symbol.asyncDispose]() }, undefined];
  } finally {
    if (!isTaken) await sql[Symbol.asyncDispose]();
  }
}

/** What the role lacks for backup mode; undefined when it lacks nothing. */
async function refusal(sql: SqlConnection): Promise<string | undefined> {
  const functions = await sql.rows<{ signature: string; allowed: boolean }>(
    `select oid::regprocedure::text as signature, has_function_privilege(oid, 'execute') as allowed
       from pg_proc where pronamespace = 'pg_catalog'::regnamespace
        and proname in ('pg_backup_start', 'pg_backup_stop', 'pg_start_backup', 'pg_stop_backup') and pronargs > 0`,
  );
  const missing = functions.filter(({ allowed }) => !allowed).map(({ signature }) => signature);
  if (missing.length === 0) return undefined;
  return `the role may not run ${missing.join(', ')}: grant it EXECUTE on them`;
}

function notLocal(folder: string, problem: string): LifeboatError {
  return new LifeboatError(
    'backup.incomplete',
    `the database cannot be read from its files: ${problem}`,
    {
      hint: 'Put that right, or write `local: auto` (or `never`), with which it is read over the connection.',
      context: { folder },
    },
  );
}

function isHere(host: string): boolean {
  return host.startsWith('/') || /^(localhost|127\.|::1$)/.test(host);
}
