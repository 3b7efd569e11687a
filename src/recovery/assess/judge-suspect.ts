import { parseLsn, type Suspect, type SuspectTable } from '../../wal/index.ts';
import type { CatalogDirectory } from './catalog-directory.ts';
import { baseFor, type LogWindow } from './log-windows.ts';
import type { LossSuspect, LossTable } from './loss-report.ts';

/** Adds to a suspect what can be done about it, and where its counts and names come from. */
export function judgeSuspect(
  suspect: Suspect,
  window: LogWindow,
  searchedFrom: bigint,
  directory: CatalogDirectory,
): LossSuspect {
  const before = parseLsn(suspect.firstLsn);
  const base = baseFor(window, parseLsn(suspect.target.lsn));
  const rowsTime = directory.baselineTime(before);
  const tables = suspect.tables.map((table): LossTable => {
    const unknown = table.oid === null ? `file ${table.filenode}` : `oid ${table.oid}`;
    const unnamed = `no stored map of names knows ${unknown}: the table was made or rewritten between two maps, and again since`;
    return {
      ...table,
      ...(table.rowsSource === 'baseline' && rowsTime !== undefined ? { rowsTime } : {}),
      ...(table.name === null ? { unnamed } : {}),
    };
  });
  return Object.freeze({
    ...suspect,
    tables,
    // A transaction that had begun before the scan may have done more than was seen.
    certain: suspect.certain && before > searchedFrom,
    recoverable: base !== undefined,
    ...(base ? { base: { snapshot: base.id, time: base.stopTime } } : {}),
    ...recommend(suspect, base !== undefined),
  });
}

function recommend(suspect: Suspect, recoverable: boolean): Pick<LossSuspect, 'action' | 'reason'> {
  if (!recoverable) {
    return { action: 'none', reason: 'no snapshot from before it leads there' };
  }
  if (suspect.tables.some(isDeletedAfterRewrite)) {
    return { action: 'restore', reason: 'the table was rewritten before its rows were deleted' };
  }
  if (suspect.kind === 'delete' || suspect.kind === 'truncate') {
    return { action: 'rescue', reason: 'rows can be put back; what was written since stays' };
  }
  if (suspect.kind === 'mass-update') {
    return { action: 'restore', reason: 'rows were overwritten: their former values are there' };
  }
  return { action: 'restore', reason: 'the tables themselves are gone' };
}

/** WAL names the deleted rows by their places in a file that did not exist before: none can be told in the past. */
export function isDeletedAfterRewrite(table: SuspectTable): boolean {
  return table.action === 'deleted' && table.filenode === null;
}
