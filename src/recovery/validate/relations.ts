import type { Desk } from './desk.ts';
import type { Place, PlaceDatabase } from './place.ts';

/** A relation with pages of its own. */
export interface StoredRelation {
  readonly database: string;
  readonly databaseOid: number;
  readonly oid: number;
  readonly filenode: number;
  readonly tablespace: number;
  readonly schema: string;
  readonly name: string;
  /** As pg_class.relkind. */
  readonly kind: string;
  /** Access method; '' of what has none. */
  readonly method: string;
  readonly bytes: number;
  readonly isSystem: boolean;
  readonly isUnlogged: boolean;
}

/** Those of the kinds that are wanted, not temporary ones, in every database that can be connected to. */
export async function storedRelations(
  desk: Desk,
  databases: readonly PlaceDatabase[],
  kinds: readonly string[],
): Promise<readonly StoredRelation[]> {
  const found: StoredRelation[] = [];
  for (const { name: database, oid: databaseOid } of databases) {
    const session = await desk.session(database);
    const rows = await session.rows<
      Omit<StoredRelation, 'database' | 'databaseOid' | 'bytes'> & { bytes: string }
    >(
      `select c.oid::int8::float8 as oid, n.nspname::text as schema, c.relname::text as name,
         c.relkind::text as kind, coalesce(a.amname::text, '') as method,
         ${sizeOf('c', desk.place)}::text as bytes,
         c.relpersistence = 'u' as "isUnlogged",
         coalesce(pg_relation_filenode(c.oid), 0)::int8::float8 as filenode,
         (case when c.relisshared then 1664 when c.reltablespace = 0 then d.dattablespace
           else c.reltablespace end)::int8::float8 as tablespace,
         n.nspname in ('pg_catalog', 'information_schema', 'pg_toast') as "isSystem"
       from pg_class c join pg_namespace n on n.oid = c.relnamespace left join pg_am a on a.oid = c.relam
       join pg_database d on d.datname = current_database()
       where c.relkind::text = any($1) and c.relpersistence <> 't'
         and n.nspname !~ '^pg_(toast_)?temp_'
       order by c.oid`,
      [kinds],
    );
    found.push(...rows.map((row) => ({ ...row, database, databaseOid, bytes: Number(row.bytes) })));
  }
  return found;
}

/**
 * SQL for the size of a relation of pg_class. On a live server as VACUUM last saw it: to ask for the true one means to wait for
 * whoever has locked the relation.
 */
export function sizeOf(alias: string, { kind, pageSizeBytes }: Place): string {
  if (kind === 'live') return `(greatest(${alias}.relpages, 0)::int8 * ${pageSizeBytes})`;
  return `coalesce(pg_relation_size(${alias}.oid), 0)`;
}
