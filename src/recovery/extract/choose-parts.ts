import { LifeboatError } from '../../core/index.ts';
import type { Session } from '../rescue/session.ts';
import { displayName } from '../rescue/sql-text.ts';
import type { ChosenParts, PartTable, TableName, WantedParts } from './parts.ts';

const notSystem = `n.nspname not in ('pg_catalog', 'information_schema') and n.nspname !~ '^pg_(toast|temp)'`;

/** Looks the parts up on the copy. Errors: `extract.missing`, `usage.invalid`. */
export async function chooseParts(past: Session, wanted: WantedParts): Promise<ChosenParts> {
  const { schemas, tables } = wanted;
  for (const schema of schemas) await requireSchema(past, schema, wanted.database);
  if (tables.length === 0) {
    const scope = schemas.length === 0 ? 'database' : 'schemas';
    return { scope, schemas, tables: await tablesIn(past, scope === 'database' ? null : schemas) };
  }
  const oids: number[] = [];
  for (const table of tables) oids.push(await findTable(past, table, wanted.database));
  const chosen = await withHeirs(past, oids);
  return {
    scope: 'tables',
    schemas: [...new Set(chosen.map((each) => each.schema))],
    tables: chosen,
  };
}

async function requireSchema(past: Session, schema: string, database: string): Promise<void> {
  const sql = 'select from pg_namespace n where nspname = $1';
  if ((await past.rows(`${sql} and ${notSystem}`, [schema])).length > 0) return;
  throw missing(`no schema ${JSON.stringify(schema)}`, database);
}

async function findTable(
  past: Session,
  { schema, name }: TableName,
  database: string,
): Promise<number> {
  const found = await past.rows<{ oid: number; schema: string; kind: string }>(
    `select c.oid::int8::float8 as oid, n.nspname::text as schema, c.relkind::text as kind
       from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where c.relname = $1 and n.nspname = coalesce($2, n.nspname) and ${notSystem}
        and c.relkind in ('r', 'p', 'v', 'm', 'f', 'S') and c.relpersistence <> 't'`,
    [name, schema ?? null],
  );
  const shown = schema === undefined ? JSON.stringify(name) : displayName(schema, name);
  const [only, other] = found;
  if (only === undefined) throw missing(`no table ${shown}`, database);
  if (other !== undefined) {
    throw new LifeboatError('usage.invalid', `there are several tables called ${shown}`, {
      hint: `Name the schema too: ${found.map((each) => displayName(each.schema, name)).join(', ')}.`,
    });
  }
  if (only.kind === 'r' || only.kind === 'p') return only.oid;
  const words = { v: 'a view', m: 'a materialized view', f: 'a foreign table', S: 'a sequence' };
  throw new LifeboatError(
    'usage.invalid',
    `${displayName(only.schema, name)} is ${words[only.kind as keyof typeof words]}, not a table`,
    { hint: 'Extract the tables it depends on, or its whole schema with --schema.' },
  );
}

/** A partitioned table's rows lie in its partitions, and a SELECT on a parent shows the rows of its heirs. */
async function withHeirs(past: Session, oids: readonly number[]): Promise<readonly PartTable[]> {
  return await past.rows<PartTable>(
    `with recursive chosen as (
       select unnest($1::int8[])::oid as oid
       union select i.inhrelid from chosen join pg_inherits i on i.inhparent = chosen.oid)
     ${selectTables} join chosen on chosen.oid = c.oid where c.relkind in ('r', 'p') ${inOrder}`,
    [oids],
  );
}

async function tablesIn(
  past: Session,
  schemas: readonly string[] | null,
): Promise<readonly PartTable[]> {
  return await past.rows<PartTable>(
    `${selectTables} where c.relkind in ('r', 'p') and c.relpersistence <> 't' and ${notSystem}
       and ($1::text[] is null or n.nspname = any ($1)) ${inOrder}`,
    [schemas],
  );
}

const selectTables = `
  select c.oid::int8::float8 as oid, n.nspname::text as schema, c.relname::text as name,
    pg_table_size(c.oid)::float8 as bytes
  from pg_class c join pg_namespace n on n.oid = c.relnamespace`;
const inOrder = 'order by n.nspname, c.relname';

function missing(fact: string, database: string): LifeboatError {
  return new LifeboatError(
    'extract.missing',
    `there was ${fact} in the database ${JSON.stringify(database)} at that moment`,
    {
      hint: 'Names are taken as they are written, with capitals. `lifeboat open` at the moment shows what there was.',
    },
  );
}
