import { isLifeboatError } from '../../core/index.ts';
import type { LeftOutFiles, WantedTables } from '../../sources/index.ts';
import type { Session } from '../rescue/session.ts';
import { displayName } from '../rescue/sql-text.ts';
import type { ChosenParts, WantedParts } from './parts.ts';

/** What a copy must hold for these parts to be read from it. */
export function wantedTables({ database, schemas, tables }: WantedParts): WantedTables {
  return {
    database,
    needsLargeObjects: schemas.length + tables.length === 0,
    wants: ({ schema, name }) =>
      tables.length === 0
        ? schemas.length === 0 || schemas.includes(schema)
        : tables.some((table) => table.name === name && (table.schema ?? schema) === schema),
  };
}

/** What was chosen may be missing from a partial copy. Never leaves `extractParts`. */
class IncompleteCopy extends Error {}

/**
 * Files that were left out hold nothing of the chosen tables now. A table that had another name, schema or parent when the snapshot was
 * taken was not wanted then. What the log has made since is whole, because it stands in the log. Throws `IncompleteCopy`.
 */
export async function requireWhole(
  past: Session,
  parts: ChosenParts,
  left: LeftOutFiles,
): Promise<void> {
  const [database] = await past.rows<{ oid: number }>(
    'select oid::int8::float8 as oid from pg_database where datname = current_database()',
  );
  if (database?.oid !== left.databaseOid) {
    throw new IncompleteCopy('the database was made anew after the snapshot');
  }
  const files = await past.rows<{ schema: string; name: string; filenode: number }>(
    `with chosen as (select unnest($1::int8[])::oid as oid), files as (
       select oid as owner, oid from chosen
       union all select c.oid, c.reltoastrelid from pg_class c join chosen using (oid) where c.reltoastrelid <> 0
       union all select c.oid, i.indexrelid from pg_class c join chosen using (oid)
         join pg_index i on i.indrelid = c.reltoastrelid
       union all select s.oid, s.oid from pg_class s where s.relkind = 'S')
     select n.nspname::text as schema, c.relname::text as name,
         pg_relation_filenode(files.oid)::int8::float8 as filenode
       from files join pg_class c on c.oid = files.owner join pg_namespace n on n.oid = c.relnamespace
      where pg_relation_filenode(files.oid) is not null`,
    [parts.tables.map(({ oid }) => oid)],
  );
  for (const { schema, name, filenode } of files) {
    if (!left.has(left.databaseOid, filenode)) continue;
    const table = displayName(schema, name);
    throw new IncompleteCopy(`${table} was not known by this name when the snapshot was taken`);
  }
}

/** Why the same must be tried with a whole copy; undefined: it would end in the same way. */
export function whyWholeCopy(error: unknown): string | undefined {
  if (error instanceof IncompleteCopy) return error.message;
  const isCopy = isLifeboatError(
    error,
    'recovery.failed',
    'postgres.start-failed',
    'postgres.connection-lost',
    'postgres.query',
    'dump.failed',
  );
  return isCopy ? error.message : undefined;
}
