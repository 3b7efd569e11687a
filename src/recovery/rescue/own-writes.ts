import { LifeboatError } from '../../core/index.ts';
import type { Session } from './session.ts';
import { displayName } from './sql-text.ts';

/** What this transaction did to one table, by the server's own counters. */
interface OwnWrites {
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  readonly inserted: number;
  readonly updated: number;
  readonly deleted: number;
}

/**
 * Proves that the transaction did nothing but what it should: it inserted and updated exactly the expected rows, deleted
 * none, and wrote to no other table (no trigger or rule was at work). `expected`: by oid of the table.
 * Errors: `rescue.failed`.
 */
export async function verifyOwnWrites(
  live: Session,
  expected: ReadonlyMap<number, { readonly inserted: number; readonly updated: number }>,
): Promise<void> {
  // Temporary tables are ours; catalogs are not among user tables.
  const writes = await live.rows<OwnWrites>(
    `select x.relid::int8::float8 as oid, x.schemaname::text as schema, x.relname::text as name,
       x.n_tup_ins::float8 as inserted, x.n_tup_upd::float8 as updated, x.n_tup_del::float8 as deleted
     from pg_stat_xact_user_tables x join pg_class c on c.oid = x.relid
     where c.relpersistence <> 't' and x.n_tup_ins + x.n_tup_upd + x.n_tup_del > 0
       and current_setting('track_counts')::bool`,
  );
  for (const table of writes) {
    const want = expected.get(table.oid) ?? { inserted: 0, updated: 0 };
    const exact =
      table.inserted === want.inserted && table.updated === want.updated && table.deleted === 0;
    if (exact) continue;
    throw new LifeboatError(
      'rescue.failed',
      `the rescue would have written more than the rows it puts back: ${displayName(table.schema, table.name)} ` +
        `(${table.inserted} inserted, ${table.updated} updated, ${table.deleted} deleted; ` +
        `wanted ${want.inserted} inserted, ${want.updated} updated)`,
      { hint: 'Everything was rolled back. Look for triggers or rules on the rescued tables.' },
    );
  }
}
