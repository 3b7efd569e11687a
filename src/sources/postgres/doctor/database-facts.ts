import { isLifeboatError } from '../../../core/index.ts';
import { connectSql, type SqlConnection } from '../sql-connection.ts';
import type { LibraryNeed } from './server-facts.ts';

const librariesSql = `
  select distinct p.probin as library, coalesce('extension ' || e.extname, 'function ' || p.proname) as why
  from pg_proc p join pg_language l on l.oid = p.prolang
    left join pg_depend d on d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e'
    left join pg_extension e on d.refclassid = 'pg_extension'::regclass and e.oid = d.refobjid
  where l.lanname = 'c' and p.probin is not null order by 1, 2`;

const unreadableSql = `
  select count(*)::int as count from pg_class c join pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'm') and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
    and not (has_schema_privilege(n.oid, 'usage') and has_table_privilege(c.oid, 'select'))`;

/** What only each database itself knows, of those that the role may connect to. */
export async function readDatabaseFacts(
  connection: SqlConnection,
  signal: AbortSignal | undefined,
): Promise<{ libraries: readonly LibraryNeed[]; tablesUnreadable: number }> {
  const names = await connection.rows<{ name: string }>(
    `select datname::text as name from pg_database
      where datallowconn and datconnlimit <> -2 and not datistemplate and has_database_privilege(oid, 'connect') order by 1`,
  );
  const libraries = new Map<string, LibraryNeed>();
  let tablesUnreadable = 0;
  for (const { name } of names) {
    try {
      await using database = await connectSql(connection.settings, {
        database: name,
        ...(signal ? { signal } : {}),
      });
      for (const each of await database.rows<LibraryNeed>(librariesSql)) {
        if (libraries.has(each.library)) continue;
        libraries.set(each.library, { ...each, why: `${each.why} of ${name}` });
      }
      const [row] = await database.rows<{ count: number }>(unreadableSql);
      tablesUnreadable += row?.count ?? 0;
    } catch (error) {
      // pg_hba.conf may keep the role out of a database; what is there stays unknown, and the backup says so.
      if (!isLifeboatError(error, 'postgres.refused')) throw error;
    }
  }
  return { libraries: [...libraries.values()], tablesUnreadable };
}
