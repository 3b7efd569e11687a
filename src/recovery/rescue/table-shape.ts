import type { Session } from './session.ts';

export interface ColumnShape {
  readonly number: number;
  readonly name: string;
  /** As format_type prints it with an empty search_path. */
  readonly type: string;
  readonly notNull: boolean;
  /** Computed by the server: it cannot be written. */
  readonly generated: boolean;
  readonly identity: boolean;
}

/** A unique or exclusion index: two rows cannot both stand when every pair of expressions matches. */
export interface UniqueShape {
  readonly name: string;
  readonly primary: boolean;
  /** One SQL expression per key, written in the table's column names. */
  readonly keys: readonly string[];
  /** The operator that says "the same" for each key, as `schema.=`. */
  readonly operators: readonly string[];
  /** For a partial index. */
  readonly predicate: string | undefined;
  readonly nullsEqual: boolean;
  /** Checked row by row, so ON CONFLICT can use it. */
  readonly immediate: boolean;
  /** Every key is a column that is never NULL, and there is no predicate: it identifies rows. */
  readonly identifies: boolean;
  readonly columnNumbers: readonly number[];
}

export interface ForeignKeyShape {
  readonly name: string;
  readonly columns: readonly string[];
  readonly parentOid: number;
  readonly parentSchema: string;
  readonly parentName: string;
  readonly parentPartitioned: boolean;
  readonly parentColumns: readonly string[];
  readonly operators: readonly string[];
  /** MATCH FULL: a row with some NULLs is wrong. */
  readonly matchFull: boolean;
  readonly deferrable: boolean;
  readonly temporal: boolean;
  /** What a deleted parent does to this row: a no action, r restrict, c cascade, n set null, d set default. */
  readonly onDelete: string;
}

export interface CheckShape {
  readonly name: string;
  readonly expression: string;
  readonly columnNumbers: readonly number[];
}

export interface TableShape {
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  readonly kind: string;
  readonly owner: string;
  /** Without dropped ones, in table order. */
  readonly columns: readonly ColumnShape[];
  readonly uniques: readonly UniqueShape[];
  readonly foreignKeys: readonly ForeignKeyShape[];
  readonly checks: readonly CheckShape[];
  /** The partitioned tables above this one, nearest first. */
  readonly ancestors: readonly number[];
}

/** Undefined when there is no relation of that oid. */
export async function readTableShape(
  session: Session,
  oid: number,
): Promise<TableShape | undefined> {
  const [table] = await session.rows<TableRow>(tableSql, [oid]);
  if (!table) return undefined;
  const columns = await session.rows<ColumnShape>(columnsSql, [oid]);
  const notNull = new Set(columns.filter((each) => each.notNull).map((each) => each.number));
  const indexes = await session.rows<IndexRow>(indexesSql, [oid]);
  const uniques = indexes.map((index): UniqueShape => {
    const plain = !index.predicate && index.numbers.every((number) => number > 0);
    return {
      ...index,
      predicate: index.predicate ?? undefined,
      columnNumbers: index.numbers,
      identifies: plain && !index.exclusion && index.numbers.every((each) => notNull.has(each)),
    };
  });
  return Object.freeze({
    ...table,
    columns,
    uniques,
    foreignKeys: await session.rows<ForeignKeyShape>(foreignKeysSql, [oid]),
    checks: await session.rows<CheckShape>(checksSql, [oid]),
  });
}

interface TableRow {
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  readonly kind: string;
  readonly owner: string;
  readonly ancestors: readonly number[];
}

interface IndexRow {
  readonly name: string;
  readonly primary: boolean;
  readonly exclusion: boolean;
  readonly keys: readonly string[];
  readonly operators: readonly string[];
  readonly predicate: string | null;
  readonly nullsEqual: boolean;
  readonly immediate: boolean;
  readonly numbers: readonly number[];
}

const tableSql = `
  select c.oid::int8::float8 as oid, n.nspname::text as schema, c.relname::text as name, c.relkind::text as kind,
    pg_get_userbyid(c.relowner)::text as owner,
    array(select a.relid::oid::int8::float8 from pg_partition_ancestors(c.oid) with ordinality a(relid, o)
      where a.relid <> c.oid order by a.o) as ancestors
  from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.oid = $1::int8::oid`;

const columnsSql = `
  select attnum::int4 as number, attname::text as name, format_type(atttypid, atttypmod) as type,
    attnotnull as "notNull", attgenerated <> '' as generated, attidentity <> '' as identity
  from pg_attribute where attrelid = $1::int8::oid and attnum > 0 and not attisdropped order by attnum`;

// The operator is the index's own notion of equality: strategy 3 of a btree operator class, or what the exclusion
// constraint names. NULLS NOT DISTINCT came with 15, so the flag is read through to_jsonb.
const indexesSql = `
  select c.relname::text as name, i.indisprimary as primary, i.indisexclusion as exclusion, i.indimmediate as immediate,
    coalesce((to_jsonb(i) ->> 'indnullsnotdistinct')::bool, false) as "nullsEqual",
    pg_get_expr(i.indpred, i.indrelid) as predicate,
    array(select pg_get_indexdef(i.indexrelid, k, false) from generate_series(1, i.indnkeyatts) k order by k) as keys,
    array(select i.indkey[k - 1]::int4 from generate_series(1, i.indnkeyatts) k order by k) as numbers,
    array(select format('%I.%s', n.nspname, o.oprname) from generate_series(1, i.indnkeyatts) k
      join pg_opclass oc on oc.oid = i.indclass[k - 1]
      left join pg_constraint x on x.conindid = i.indexrelid and x.contype in ('x', 'p', 'u') and x.conexclop is not null
      left join pg_amop a on a.amopfamily = oc.opcfamily and a.amopstrategy = 3 and a.amoppurpose = 's'
        and a.amoplefttype = oc.opcintype and a.amoprighttype = oc.opcintype
      join pg_operator o on o.oid = coalesce(x.conexclop[k], a.amopopr)
      join pg_namespace n on n.oid = o.oprnamespace order by k) as operators
  from pg_index i join pg_class c on c.oid = i.indexrelid
  where i.indrelid = $1::int8::oid and (i.indisunique or i.indisexclusion) and i.indisready
  order by i.indisprimary desc, c.relname`;

// A key that points at a partitioned table has one more row per partition, below the first and with the same
// conrelid: only the first one counts. Keys that 18 does not enforce are no keys here.
const foreignKeysSql = `
  select k.conname::text as name, k.confrelid::int8::float8 as "parentOid", n.nspname::text as "parentSchema",
    p.relname::text as "parentName", p.relkind = 'p' as "parentPartitioned", k.confmatchtype = 'f' as "matchFull",
    k.condeferrable as deferrable, k.confdeltype::text as "onDelete",
    coalesce((to_jsonb(k) ->> 'conperiod')::bool, false) as temporal,
    array(select a.attname::text from unnest(k.conkey) with ordinality u(num, o)
      join pg_attribute a on a.attrelid = k.conrelid and a.attnum = u.num order by u.o) as columns,
    array(select a.attname::text from unnest(k.confkey) with ordinality u(num, o)
      join pg_attribute a on a.attrelid = k.confrelid and a.attnum = u.num order by u.o) as "parentColumns",
    array(select format('%I.%s', s.nspname, o.oprname) from unnest(k.conpfeqop) with ordinality u(op, o2)
      join pg_operator o on o.oid = u.op join pg_namespace s on s.oid = o.oprnamespace order by u.o2) as operators
  from pg_constraint k join pg_class p on p.oid = k.confrelid join pg_namespace n on n.oid = p.relnamespace
  where k.conrelid = $1::int8::oid and k.contype = 'f' and coalesce((to_jsonb(k) ->> 'conenforced')::bool, true)
    and not exists (select from pg_constraint up where up.oid = k.conparentid and up.conrelid = k.conrelid)
  order by k.conname`;

const checksSql = `
  select conname::text as name, pg_get_expr(conbin, conrelid) as expression,
    coalesce(conkey, '{}')::int4[] as "columnNumbers"
  from pg_constraint where conrelid = $1::int8::oid and contype = 'c'
    and coalesce((to_jsonb(pg_constraint) ->> 'conenforced')::bool, true) order by conname`;
