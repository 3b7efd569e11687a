import { isLifeboatError } from '../../../core/index.ts';
import type { ConnectionSettings } from '../../../sources/index.ts';
import type { Session } from '../../rescue/session.ts';
import { quoteName } from '../../rescue/sql-text.ts';
import { openLive } from './live-session.ts';
import type { PartWork } from './part-runner.ts';
import type { StatementFound, StatementsFound } from './postgres-damage.ts';
import { destructiveKind, shownQuery } from './query-text.ts';

const listed = 50;
/** A DELETE with a WHERE is named when it took so many rows each time it ran. */
const manyRows = 1000;
/** One of them shows the statements of all. */
const databasesAsked = 10;
const hidden = '<insufficient privilege>';

/** What pg_stat_statements knows of statements that destroy. No time, no certainty that they were committed: a hint. */
export async function lookAtStatements(
  connection: ConnectionSettings,
  databases: readonly string[],
  part: PartWork,
): Promise<StatementsFound> {
  const asked = [...new Set([connection.database, ...databases])].slice(0, databasesAsked);
  for (const database of asked) {
    await using session = await openOrTell({ ...connection, database }, part);
    if (session === undefined) continue;
    const [extension] = await session.rows<{ schema: string }>(
      `select n.nspname::text as schema from pg_extension e join pg_namespace n on n.oid = e.extnamespace
       where e.extname = 'pg_stat_statements'`,
    );
    if (extension !== undefined) return await read(session, quoteName(extension.schema), part);
  }
  part.gaps.push(`the extension pg_stat_statements is in no database (${asked.join(', ')})`);
  return { statements: [] };
}

async function openOrTell(
  connection: ConnectionSettings,
  part: PartWork,
): Promise<Session | undefined> {
  try {
    return await openLive(connection, part);
  } catch (error) {
    if (!isLifeboatError(error, 'postgres.refused')) throw error;
    part.gaps.push(error.message);
    return undefined;
  }
}

async function read(session: Session, schema: string, part: PartWork): Promise<StatementsFound> {
  const rows = await session.rows<{
    database: string | null;
    user: string | null;
    calls: string;
    rows: string;
    query: string | null;
  }>(
    `select d.datname::text as database, r.rolname::text as user, s.calls::text, s.rows::text,
       left(s.query, 20000) as query
     from ${schema}.pg_stat_statements s
     left join pg_database d on d.oid = s.dbid left join pg_roles r on r.oid = s.userid
     where s.query ~* '\\m(delete|truncate|drop|update)\\M' or s.query = '${hidden}'
     order by s.rows desc limit 5000`,
  );
  const statements = rows.flatMap((row): StatementFound[] => {
    const query = row.query ?? '';
    const [calls, touched] = [Number(row.calls), Number(row.rows)];
    const isLarge = touched / Math.max(1, calls) >= manyRows;
    const kind = destructiveKind(query) ?? (isLarge && /^\s*delete\b/i.test(query) && 'delete');
    if (!kind || (kind === 'delete' && touched === 0)) return [];
    return [
      {
        kind,
        database: row.database ?? 'a database that is gone',
        user: row.user ?? 'a role that is gone',
        calls,
        rows: touched,
        query: shownQuery(query),
      },
    ];
  });
  const unseen = rows.filter(({ query }) => query === hidden).length;
  if (unseen > 0) {
    part.gaps.push(
      `${unseen} statements of other roles: GRANT pg_read_all_stats TO the role lets it see them`,
    );
  }
  const since = await resetTime(session, schema);
  return { statements: statements.slice(0, listed), ...(since === undefined ? {} : { since }) };
}

/** From 14 on. */
async function resetTime(session: Session, schema: string): Promise<string | undefined> {
  try {
    const [row] = await session.rows<{ since: string }>(
      `select to_char(stats_reset at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as since
       from ${schema}.pg_stat_statements_info`,
    );
    return row?.since ?? undefined;
  } catch (error) {
    if (!isLifeboatError(error, 'postgres.query')) throw error;
    return undefined;
  }
}
