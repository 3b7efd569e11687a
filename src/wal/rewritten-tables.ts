import type { CommittedTransaction } from './committed-transaction.ts';
import {
  type ConcernedTable,
  type DestroyedTable,
  tablesConcerned,
} from './destroyed-relations.ts';
import type { RelationDirectory } from './relation-directory.ts';

export interface RewrittenTable {
  /** Undefined where several tables were rewritten and WAL does not tell which this is. */
  readonly table: ConcernedTable | undefined;
  readonly databaseOid: number;
  /** Rows deleted after the rewrite. */
  readonly deleted: number;
}

/**
 * Tables that a transaction rewrote (ALTER TABLE) and then deleted from: WAL has the deletes under the new file, which a
 * table made and emptied by the transaction would have too. It is one that was there before when an old file of a
 * table, neither dropped nor truncated, went away with it.
 */
export function rewrittenTables(
  transaction: CommittedTransaction,
  directory: RelationDirectory,
  destroyed: readonly DestroyedTable[],
): RewrittenTable[] {
  const emptied = transaction.relations.filter(
    (each) => each.created === 'relation' && each.deleted > 0,
  );
  if (emptied.length === 0) return [];
  const known = tablesConcerned(transaction, directory).filter(
    (each) =>
      !destroyed.some(
        (gone) => gone.databaseOid === each.databaseOid && gone.facts?.oid === each.facts.oid,
      ),
  );
  if (known.length === 0) return [];
  // A table's own file is made before that of its TOAST table.
  const [first] = emptied.toSorted((a, b) => a.filenode - b.filenode);
  if (known.length === 1 && first !== undefined) {
    return [{ table: known[0], databaseOid: first.database, deleted: first.deleted }];
  }
  return emptied.map(({ database, deleted }) => {
    return { table: undefined, databaseOid: database, deleted };
  });
}
