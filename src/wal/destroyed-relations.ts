import type { CommittedTransaction } from './committed-transaction.ts';
import type { RelationDirectory, RelationFacts } from './relation-directory.ts';
import { type RelationId, sameRelation } from './relation-id.ts';
import type { RelationChanges } from './transaction-state.ts';

/** A table whose files a transaction took away: all of its rows went with them. */
export interface DestroyedTable {
  readonly action: 'dropped' | 'truncated';
  readonly databaseOid: number;
  /** Undefined for a table that no map of names knows. */
  readonly facts: RelationFacts | undefined;
  /** Its old files; undefined where only its OID could be told. */
  readonly files: RelationId | undefined;
  /** Rows that the same transaction put into the truncated table. */
  readonly inserted: number;
  readonly certain: boolean;
}

/**
 * Tells tables that were dropped or truncated from those that VACUUM FULL, CLUSTER, REFRESH or a rewriting
 * ALTER TABLE gave new files: the rules are in docs/formats/wal.md.
 */
export function destroyedTables(
  transaction: CommittedTransaction,
  directory: RelationDirectory,
): DestroyedTable[] {
  const tables = tablesConcerned(transaction, directory);
  const drops = dropsTables(transaction, directory);
  const dropped = drops ? tables.filter((table) => isDropped(transaction, table)) : [];
  const kept = tables.filter((table) => !dropped.includes(table));
  // Before 15 WAL tells that tables were dropped, but not which, if others were rewritten with them.
  const certain = transaction.droppedOids !== undefined || !rewrites(transaction);
  const found = dropped.map((table): DestroyedTable => {
    return { ...table, action: 'dropped', inserted: 0, certain };
  });
  found.push(...truncatedTables(transaction, kept, directory));
  if (found.length === 0) {
    const unnamed = unnamedLoss(transaction, directory);
    if (unnamed !== undefined) found.push(unnamed);
  }
  return found;
}

export interface ConcernedTable {
  readonly databaseOid: number;
  readonly facts: RelationFacts;
  readonly files: RelationId | undefined;
}

/** Tables whose files were removed, or that may be those whose removed files no map of names knows. */
export function tablesConcerned(
  transaction: CommittedTransaction,
  directory: RelationDirectory,
): ConcernedTable[] {
  const found = new Map<string, ConcernedTable>();
  let unknownFiles = false;
  for (const files of transaction.removed) {
    if (wasCreated(transaction, files)) continue;
    const facts = directory.byFilenode(files);
    unknownFiles ||= facts === undefined;
    if (facts?.kind !== 'table') continue;
    found.set(`${files.database}/${facts.oid}`, { databaseOid: files.database, facts, files });
  }
  // The table's files changed since the map was taken: its OID still tells.
  const byOid = unknownFiles ? [...(transaction.droppedOids ?? []), ...transaction.locked] : [];
  for (const { database, oid } of [...byOid, ...transaction.truncated]) {
    const facts = directory.byOid(database, oid);
    const key = `${database}/${oid}`;
    if (facts?.kind !== 'table' || found.has(key)) continue;
    found.set(key, { databaseOid: database, facts, files: undefined });
  }
  return [...found.values()];
}

function wasCreated(transaction: CommittedTransaction, files: RelationId): boolean {
  return transaction.relations.some((each) => each.created !== 'no' && sameRelation(each, files));
}

/**
 * A table that is dropped takes its row type and that type's array with it: two rows of pg_type that were
 * there before. TRUNCATE and rewrites leave them. In 13 TOAST tables have a row type too, and a rewrite may
 * drop the old TOAST table.
 */
function dropsTables(transaction: CommittedTransaction, directory: RelationDirectory): boolean {
  const { catalogDeletes, major, removed } = transaction;
  const toasts = removed.filter((each) => directory.byFilenode(each)?.kind === 'toast').length;
  return catalogDeletes.class > 0 && catalogDeletes.type - (major < 14 ? toasts : 0) >= 2;
}

function isDropped({ droppedOids }: CommittedTransaction, table: ConcernedTable): boolean {
  return (
    droppedOids?.some(
      ({ database, oid }) => database === table.databaseOid && oid === table.facts.oid,
    ) ?? true
  );
}

/** Makes a new relation and fills it, as every rewrite does. */
function rewrites(transaction: CommittedTransaction): boolean {
  return transaction.relations.some(
    (each) => each.created === 'relation' && (each.inserted > 0 || each.pages > 0),
  );
}

/** New, empty storage of relations that were there before: what TRUNCATE makes for a table and its TOAST. */
function emptiedStorage(transaction: CommittedTransaction): RelationChanges[] {
  const places = new Set(transaction.removed.map((each) => `${each.tablespace}/${each.database}`));
  return transaction.relations.filter(
    (each) =>
      each.created === 'storage' &&
      each.pages === 0 &&
      places.has(`${each.tablespace}/${each.database}`),
  );
}

function truncatedTables(
  transaction: CommittedTransaction,
  candidates: readonly ConcernedTable[],
  directory: RelationDirectory,
): DestroyedTable[] {
  const emptied = emptiedStorage(transaction);
  const named = new Set(transaction.truncated.map(({ database, oid }) => `${database}/${oid}`));
  const isNamed = (table: ConcernedTable) => named.has(`${table.databaseOid}/${table.facts.oid}`);
  if (emptied.length === 0 && named.size === 0) return [];
  const tables = named.size > 0 ? candidates.filter(isNamed) : candidates;
  // Another table rewritten by the same transaction cannot always be told from a truncated one.
  const certain = named.size > 0 || !rewrites(transaction) || tables.length === 1;
  const storage = storageOfTables(transaction, tables, emptied, directory);
  return tables.map((table): DestroyedTable => {
    const inserted = storage.get(table)?.inserted ?? 0;
    return { ...table, action: 'truncated', inserted, certain };
  });
}

/** Which new storage belongs to which table: in the order of their locks, a TOAST table after its table. */
function storageOfTables(
  transaction: CommittedTransaction,
  tables: readonly ConcernedTable[],
  emptied: readonly RelationChanges[],
  directory: RelationDirectory,
): ReadonlyMap<ConcernedTable, RelationChanges> {
  const toasted = new Set<string>();
  for (const files of transaction.removed) {
    const facts = directory.byFilenode(files);
    if (facts?.kind === 'toast') toasted.add(`${files.database}/${facts.toastOf}`);
  }
  const lockOf = ({ databaseOid, facts }: ConcernedTable) =>
    transaction.locked.findIndex((lock) => lock.database === databaseOid && lock.oid === facts.oid);
  const found = new Map<ConcernedTable, RelationChanges>();
  let next = 0;
  for (const table of [...tables].sort((a, b) => lockOf(a) - lockOf(b))) {
    const storage = emptied[next];
    if (storage !== undefined) found.set(table, storage);
    next += toasted.has(`${table.databaseOid}/${table.facts.oid}`) ? 2 : 1;
  }
  return next === emptied.length || tables.length === 1 ? found : new Map();
}

/** Something was destroyed for which there is no name at all. */
function unnamedLoss(
  transaction: CommittedTransaction,
  directory: RelationDirectory,
): DestroyedTable | undefined {
  const files = transaction.removed.find(
    (each) => !wasCreated(transaction, each) && directory.byFilenode(each) === undefined,
  );
  if (files === undefined) return undefined;
  const dropped = dropsTables(transaction, directory);
  if (!dropped && emptiedStorage(transaction).length === 0) return undefined;
  return {
    action: dropped ? 'dropped' : 'truncated',
    databaseOid: files.database,
    facts: undefined,
    files: undefined,
    inserted: 0,
    certain: false,
  };
}
