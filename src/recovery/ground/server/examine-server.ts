import { isLifeboatError } from '../../../core/index.ts';
import { type ConnectionSettings, findClientPrograms } from '../../../sources/index.ts';
import { openBeside } from './server-sessions.ts';

export interface ExamineServerOptions {
  /** Of the ground. */
  readonly connection: ConnectionSettings;
  /** That are to be put in place there, as far as they are known. */
  readonly databases: readonly string[];
  readonly programsFolder?: string | undefined;
  readonly signal?: AbortSignal;
}

/**
 * What stands against bringing databases to a server and putting them in place there, found without changing anything: rights of the role,
 * and programs of this host. Empty: nothing. Errors: `postgres.*`, `cancelled`.
 */
export async function examineServer(options: ExamineServerOptions): Promise<readonly string[]> {
  const { connection, databases, programsFolder, signal } = options;
  await using session = await openBeside(connection, [], signal);
  const [server] = await session.rows<{ major: number; role: string; mayCreate: boolean }>(
    `select current_setting('server_version_num')::int4 / 10000 as major, rolname::text as role,
       rolsuper or rolcreatedb as "mayCreate" from pg_roles where rolname = current_user`,
  );
  const { major = 0, role = connection.user, mayCreate = false } = server ?? {};
  const foreign = await session.rows<{ name: string; owner: string }>(
    `select datname::text as name, pg_get_userbyid(datdba)::text as owner from pg_database
      where datname = any($1) and not pg_has_role(datdba, 'USAGE') order by 1`,
    [databases],
  );
  return [
    ...(mayCreate
      ? []
      : [`the role ${role} may not create databases at ${session.place}: ALTER ROLE CREATEDB`]),
    ...foreign.map(
      ({ name, owner }) =>
        `the role ${role} may not replace the database ${name} at ${session.place}, which belongs to ${owner}: make it a member of that role`,
    ),
    ...(await programsMissing(major, programsFolder)),
  ];
}

async function programsMissing(
  major: number,
  configuredFolder: string | undefined,
): Promise<readonly string[]> {
  try {
    await findClientPrograms(major, configuredFolder === undefined ? {} : { configuredFolder });
    return [];
  } catch (error) {
    if (!isLifeboatError(error, 'postgres.no-client-programs')) throw error;
    return [`${error.message}: ${error.hint ?? ''}`];
  }
}
