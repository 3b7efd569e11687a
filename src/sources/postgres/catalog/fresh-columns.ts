import type { SqlConnection } from '../sql-connection.ts';

/** The column of a table whose newest value tells when something was last written to it. */
export interface FreshColumn {
  readonly column: string;
  /** It leads a B-tree index, so that its newest value is found without reading the table. */
  readonly isIndexed: boolean;
}

interface Row {
  readonly oid: number;
  readonly column: string;
  readonly indexed: boolean;
}

/**
 * For each table the column of type timestamp (with or without a zone) or date that tells best when it was last written to, by
 * its name; those that speak of the future (when something expires or is due) never do.
 */
export async function freshColumns(
  connection: SqlConnection,
): Promise<ReadonlyMap<number, FreshColumn>> {
  const rows = await connection.rows<Row>(`
    SELECT a.attrelid AS oid, a.attname AS column, EXISTS (
        SELECT FROM pg_catalog.pg_index i
        JOIN pg_catalog.pg_class ic ON ic.oid = i.indexrelid
        JOIN pg_catalog.pg_am am ON am.oid = ic.relam
        WHERE i.indrelid = a.attrelid AND i.indkey[0] = a.attnum AND am.amname = 'btree'
          AND i.indisvalid AND i.indpred IS NULL) AS indexed
    FROM pg_catalog.pg_attribute a
    JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'm') AND c.relpersistence <> 't' AND a.attnum > 0 AND NOT a.attisdropped
      AND a.atttypid IN ('date'::regtype, 'timestamp'::regtype, 'timestamptz'::regtype)
      AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
    ORDER BY a.attrelid, a.attnum`);
  const chosen = new Map<number, FreshColumn>();
  for (const [oid, columns] of Map.groupBy(rows, (row) => row.oid)) {
    const best = columns
      .map((row) => ({ ...row, rank: rankOf(row) }))
      .filter(({ rank }) => rank > 0)
      .sort((a, b) => b.rank - a.rank)[0];
    if (best) chosen.set(oid, { column: best.column, isIndexed: best.indexed });
  }
  return chosen;
}

const ofTheFuture =
  /expire|expiry|valid|until|due|sched|start|end|birth|deadline|next|_to$|delete/i;
const ofChanges = /updat|modif|chang|touch|last/i;
const ofBeginnings =
  /creat|insert|added|record|logged|received|occur|placed|time|_at$|_on$|^ts$|^at$/i;

function rankOf({ column, indexed }: Row): number {
  if (ofTheFuture.test(column)) return 0;
  const byName = ofChanges.test(column) ? 4 : ofBeginnings.test(column) ? 2 : 1;
  return byName * 2 + (indexed ? 1 : 0);
}
