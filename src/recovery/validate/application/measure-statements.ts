import { type ConnectionSettings, openSqlClient } from '../../../sources/index.ts';
import type { StatementMean } from './service-performance.ts';

const statementsMax = 50;
const textCharacters = 200;

/**
 * The statements that take most of a server's time, as `pg_stat_statements` knows them, by query id; empty where it is not installed in
 * the database of the connection or not loaded.
 */
export async function measureStatements(
  settings: ConnectionSettings,
  limitMs: number,
): Promise<Readonly<Record<string, StatementMean>>> {
  await using session = await openSqlClient(
    { ...settings, connectTimeoutMs: limitMs },
    'lifeboat performance',
  );
  const { client } = session;
  await client.query(`set statement_timeout = ${Math.ceil(limitMs)}`);
  const { rows: places } = await client.query<{ schema: string }>(
    `select quote_ident(nspname) as schema
       from pg_extension join pg_namespace n on n.oid = extnamespace
      where extname = 'pg_stat_statements'`,
  );
  const schema = places[0]?.schema;
  if (schema === undefined) return {};
  // Installed but not in shared_preload_libraries, it refuses to be read.
  const { rows } = await client
    .query<{ id: string; calls: string; mean: number; query: string }>(
      `select queryid::text as id, sum(calls)::bigint as calls,
              sum(total_exec_time) / sum(calls) as mean, min(query) as query
         from ${schema}.pg_stat_statements
        where queryid is not null and calls > 0
        group by queryid order by sum(total_exec_time) desc limit ${statementsMax}`,
    )
    .catch(() => ({ rows: [] }));
  return Object.fromEntries(
    rows.map(({ id, calls, mean, query }) => {
      const text = shown(query);
      return [id, { meanMs: mean, calls: Number(calls), ...(text === undefined ? {} : { text }) }];
    }),
  );
}

/** Constants are gone from these alone; `ALTER ROLE ... PASSWORD` is there as it was typed. */
function shown(query: string): string | undefined {
  if (!/^\s*(select|insert|update|delete|with|merge)\b/i.test(query)) return undefined;
  const line = query.replace(/\s+/g, ' ').trim();
  return line.length > textCharacters ? `${line.slice(0, textCharacters - 1)}…` : line;
}
