import { isLifeboatError } from '../../../core/index.ts';
import type { CatalogRelation } from '../backup-info.ts';
import type { SqlConnection } from '../sql-connection.ts';

export interface Countable {
  readonly relation: CatalogRelation;
  readonly pages: number;
}

/**
 * Exact numbers of rows, by oid, all as of the connection's open REPEATABLE READ transaction; small tables first, until
 * `deadline` (performance.now()). A table that cannot be counted (locked, row security, dropped meanwhile) is left out.
 */
export async function countRows(
  connection: SqlConnection,
  tables: readonly Countable[],
  deadline: number,
): Promise<ReadonlyMap<number, number>> {
  const counts = new Map<number, number>();
  for (const { relation } of [...tables].sort((a, b) => a.pages - b.pages)) {
    const leftMs = Math.floor(deadline - performance.now());
    if (leftMs <= 0) break;
    const rows = await countTable(connection, relation, leftMs);
    if (rows !== undefined) counts.set(relation.oid, rows);
  }
  return counts;
}

async function countTable(
  connection: SqlConnection,
  relation: CatalogRelation,
  timeoutMs: number,
): Promise<number | undefined> {
  const name = `${quoted(relation.schema)}.${quoted(relation.name)}`;
  try {
    // Going back to the savepoint releases the table's lock at once: DDL must not wait for the other tables.
    const results = await connection.script<{ rows: string }>(
      `SAVEPOINT counted; SET LOCAL statement_timeout = ${timeoutMs};
       SELECT count(*) AS rows FROM ONLY ${name}; ROLLBACK TO SAVEPOINT counted`,
    );
    const row = results.flat()[0];
    return row === undefined ? undefined : Number(row.rows);
  } catch (error) {
    if (!isLifeboatError(error, 'postgres.query')) throw error;
    await connection.script('ROLLBACK TO SAVEPOINT counted');
    return undefined;
  }
}

function quoted(identifier: string): string {
  return `"${identifier.replaceAll('"', '""')}"`;
}
