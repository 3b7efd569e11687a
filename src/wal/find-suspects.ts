import type { CommittedTransaction } from './committed-transaction.ts';
import { type DestroyedTable, destroyedTables } from './destroyed-relations.ts';
import { formatLsn } from './lsn.ts';
import type { RelationDirectory, RelationFacts } from './relation-directory.ts';
import type { RelationId } from './relation-id.ts';
import { type RewrittenTable, rewrittenTables } from './rewritten-tables.ts';
import {
  defaultThresholds,
  type Suspect,
  type SuspectKind,
  type SuspectSeverity,
  type SuspectTable,
  type SuspectThresholds,
  suspectKinds,
} from './suspect.ts';
import type { RelationChanges } from './transaction-state.ts';

const severities: readonly SuspectSeverity[] = ['critical', 'high', 'medium', 'low'];

/** The transactions that may have destroyed data, the worst first and of equal ones the latest first. */
export function findSuspects(
  transactions: Iterable<CommittedTransaction>,
  directory: RelationDirectory,
  thresholds: Partial<SuspectThresholds> = {},
): Suspect[] {
  const limits = { ...defaultThresholds, ...thresholds };
  const found: { suspect: Suspect; position: number }[] = [];
  for (const transaction of transactions) {
    const suspect = suspectOf(transaction, directory, limits);
    if (suspect !== undefined) found.push({ suspect, position: transaction.commitPosition });
  }
  found.sort(
    (a, b) =>
      severities.indexOf(a.suspect.severity) - severities.indexOf(b.suspect.severity) ||
      b.position - a.position,
  );
  return found.map(({ suspect }) => suspect);
}

function suspectOf(
  transaction: CommittedTransaction,
  directory: RelationDirectory,
  limits: SuspectThresholds,
): Suspect | undefined {
  const destroyed = destroyedTables(transaction, directory);
  const rewritten = rewrittenTables(transaction, directory, destroyed);
  const tables = [
    ...destroyed.map((table) => destroyedTable(table, directory)),
    ...changedTables(transaction, directory, destroyed),
    ...rewritten.map((table) => rewrittenTable(table, directory)),
  ];
  const kinds = new Set<SuspectKind>();
  if (transaction.droppedDatabases.length > 0) kinds.add('drop-database');
  for (const table of tables) {
    if (table.action === 'dropped') {
      kinds.add(transaction.catalogDeletes.namespace > 0 ? 'drop-schema' : 'drop-table');
    } else if (table.action === 'truncated') kinds.add('truncate');
    else if (isMuchDeleted(table, limits)) kinds.add('delete');
    if (isMuchUpdated(table, limits)) kinds.add('mass-update');
  }
  const kind = suspectKinds.find((each) => kinds.has(each));
  if (kind === undefined) return undefined;
  const position = Math.min(
    transaction.commitPosition,
    // Replay removes a database's folders at this record, before the commit.
    ...transaction.droppedDatabases.map((each) => each.position),
  );
  const { timeline } = transaction;
  return {
    kind,
    severity: severityOf(kind, tables, limits),
    xid: transaction.xid,
    subXids: transaction.subXids,
    timeline,
    firstLsn: lsnText(transaction.firstPosition),
    commitLsn: lsnText(transaction.commitPosition),
    commitTime: new Date(transaction.commitTimeMs).toISOString(),
    target: { lsn: lsnText(position), inclusive: false, timeline },
    tables,
    databases: transaction.droppedDatabases.map(({ oid }) => {
      return { oid, name: directory.databaseName(oid) ?? null };
    }),
    certain:
      transaction.complete && rewritten.length === 0 && destroyed.every((each) => each.certain),
  };
}

function destroyedTable(table: DestroyedTable, directory: RelationDirectory): SuspectTable {
  const { facts, files, databaseOid, action, inserted } = table;
  const rows = facts?.rowsAreLater ? null : (facts?.rows ?? null);
  return {
    ...nameOf(databaseOid, files, facts, directory),
    action,
    rows,
    rowsSource: rows === null ? 'unknown' : 'baseline',
    rowsBefore: rows,
    deleted: 0,
    updated: 0,
    inserted,
    moved: 0,
  };
}

/** Tables with deleted or updated rows; not their indexes, TOAST, catalogs, nor what can be computed again. */
function changedTables(
  transaction: CommittedTransaction,
  directory: RelationDirectory,
  destroyed: readonly DestroyedTable[],
): SuspectTable[] {
  const found: SuspectTable[] = [];
  for (const changes of transaction.relations) {
    if (changes.created !== 'no' || changes.deleted + changes.updated + changes.moved === 0)
      continue;
    const facts = directory.byFilenode(changes);
    if (facts !== undefined && facts.kind !== 'table') continue;
    // Without a name, beside dropped relations: most likely a catalog that was rewritten since names were taken.
    if (facts === undefined && transaction.catalogDeletes.class > 0) continue;
    const isDestroyed = destroyed.some(
      (each) => each.databaseOid === changes.database && each.facts?.oid === facts?.oid,
    );
    if (!isDestroyed || facts === undefined) found.push(changedTable(changes, facts, directory));
  }
  return found.sort((a, b) => b.deleted - a.deleted || b.updated - a.updated);
}

function changedTable(
  changes: RelationChanges,
  facts: RelationFacts | undefined,
  directory: RelationDirectory,
): SuspectTable {
  const { deleted, updated, inserted, moved } = changes;
  return {
    ...nameOf(changes.database, changes, facts, directory),
    action: deleted > 0 ? 'deleted' : 'updated',
    rows: deleted > 0 ? deleted : updated + moved,
    rowsSource: 'wal',
    rowsBefore: facts?.rows ?? null,
    deleted,
    updated,
    inserted,
    moved,
  };
}

/** Without files: the rows were in others before, under other tuple ids. */
function rewrittenTable(
  { table, databaseOid, deleted }: RewrittenTable,
  directory: RelationDirectory,
): SuspectTable {
  return {
    ...nameOf(databaseOid, undefined, table?.facts, directory),
    action: 'deleted',
    rows: deleted,
    rowsSource: 'wal',
    rowsBefore: table?.facts.rows ?? null,
    deleted,
    updated: 0,
    inserted: 0,
    moved: 0,
  };
}

function nameOf(
  databaseOid: number,
  files: RelationId | undefined,
  facts: RelationFacts | undefined,
  directory: RelationDirectory,
) {
  return {
    databaseOid,
    database: facts?.database ?? directory.databaseName(databaseOid) ?? null,
    schema: facts?.schema ?? null,
    name: facts?.name ?? null,
    oid: facts?.oid ?? null,
    tablespaceOid: files?.tablespace ?? null,
    filenode: files?.filenode ?? null,
  };
}

function isMuchDeleted({ deleted, rowsBefore }: SuspectTable, limits: SuspectThresholds): boolean {
  if (deleted === 0) return false;
  if (deleted >= limits.minRows) return true;
  if (rowsBefore === null) return false;
  if (deleted >= rowsBefore && rowsBefore >= 2) return true;
  return deleted >= limits.minShareRows && deleted >= rowsBefore * limits.minShare;
}

/** Below this an UPDATE is ordinary work, whatever part of a small table it is. */
const minShareUpdatedRows = 100;

function isMuchUpdated(table: SuspectTable, limits: SuspectThresholds): boolean {
  const updated = table.updated + table.moved;
  if (updated >= limits.minUpdatedRows) return true;
  const { rowsBefore } = table;
  if (rowsBefore === null || updated < minShareUpdatedRows) return false;
  return updated >= rowsBefore * limits.minUpdatedShare;
}

function severityOf(
  kind: SuspectKind,
  tables: readonly SuspectTable[],
  limits: SuspectThresholds,
): SuspectSeverity {
  if (kind === 'drop-database') return 'critical';
  if (kind === 'mass-update') return 'low';
  const each = tables.map((table): SuspectSeverity => {
    if (table.action === 'updated') return 'low';
    if (table.action !== 'deleted') return table.rows === 0 ? 'low' : 'critical';
    if (table.inserted >= table.deleted) return 'low';
    if (table.rowsBefore === null) return 'medium';
    if (table.deleted >= table.rowsBefore && table.rowsBefore >= 2) return 'critical';
    return table.deleted >= table.rowsBefore * limits.minShare ? 'high' : 'medium';
  });
  return severities.find((severity) => each.includes(severity)) ?? 'low';
}

function lsnText(position: number): string {
  return formatLsn(BigInt(position));
}
