import { LifeboatError, type Progress } from '../../core/index.ts';
import { formatLsn, lsn, parseLsn, segmentStart } from '../../wal/index.ts';
import { isDeletedAfterRewrite } from '../assess/judge-suspect.ts';
import { type LogRequest, type LogWindow, logWindows } from '../assess/log-windows.ts';
import type { LossSuspect, LossTable } from '../assess/loss-report.ts';
import { scanLog } from '../assess/scan-log.ts';
import type { DestroyedFile, Destruction } from './destruction.ts';

export interface CollectedDestruction extends Destruction {
  readonly warnings: readonly string[];
}

/** How far to read behind a commit: its record must be whole. */
const tailBytes = 1024n * 1024n;

/**
 * Which rows of which files a transaction destroyed, out of the log. Errors: `rescue.unsupported` for what rows cannot
 * bring back, `log.gap`, `wal.invalid`.
 */
export async function collectDestruction(
  suspect: LossSuspect,
  request: LogRequest & { readonly progress: Progress },
): Promise<CollectedDestruction> {
  requireRows(suspect);
  const databaseOid = suspect.tables.find((table) => isLoss(table))?.databaseOid ?? 0;
  const files = new Map<string, DestroyedFile>();
  const warnings: string[] = [];
  if (!suspect.certain) {
    warnings.push(
      'the log leaves something open about this transaction: it may have destroyed more',
    );
  }
  const hasTuples = suspect.tables.some((table) => table.deleted + table.updated > 0);
  for (const rows of hasTuples ? await collectRows(suspect, request) : []) {
    const { tablespace, database, filenode, deleted, updated, movedCount } = rows;
    if (database !== databaseOid) continue;
    if (movedCount > 0) {
      warnings.push(
        `the transaction moved ${movedCount} rows between partitions; those it deleted afterwards are not rescued`,
      );
    }
    const file = { tablespaceOid: tablespace, filenode, truncated: false, deleted, updated };
    files.set(`${tablespace}/${filenode}/`, file);
  }
  for (const table of suspect.tables) {
    if (table.action !== 'truncated') continue;
    const file = truncatedFile(table);
    files.set(`${file.tablespaceOid}/${file.filenode}/${file.relationOid ?? ''}`, file);
  }
  return { databaseOid, files: [...files.values()], warnings };
}

async function collectRows(
  suspect: LossSuspect,
  request: LogRequest & { readonly progress: Progress },
) {
  const [first, commit] = [parseLsn(suspect.firstLsn), parseLsn(suspect.commitLsn)];
  const windows = await logWindows(request);
  const window = windows.find(
    (each) =>
      each.start <= first && commit < each.end && each.timelineAt(commit) === suspect.timeline,
  ) as LogWindow | undefined;
  if (!window) {
    throw new LifeboatError(
      'log.gap',
      `the log no longer holds ${suspect.firstLsn} to ${suspect.commitLsn}`,
      {
        hint: 'Without the log the deleted rows cannot be told from others. Restore beside and compare by hand.',
      },
    );
  }
  const start = segmentStart(first, window.segmentSizeBytes);
  const end = commit + tailBytes < window.end ? commit + tailBytes : window.end;
  const xids = [suspect.xid, ...suspect.subXids];
  const { signal, progress } = request;
  const result = await scanLog(
    window,
    { start, end },
    { index: {}, transaction: { xids, from: Number(first), commit: Number(commit) } },
    { ...(signal ? { signal } : {}), progress, title: 'collect the destroyed rows' },
  );
  if (BigInt(result.end.at) <= commit) {
    const at = formatLsn(lsn(BigInt(result.end.at)));
    throw new LifeboatError('wal.invalid', `the log is damaged at ${at}: ${result.end.why}`);
  }
  return result.rows;
}

/** A table that got new files since the last map of names is known by its oid alone. */
function truncatedFile({ tablespaceOid, filenode, oid, name }: LossTable): DestroyedFile {
  const all = { truncated: true, deleted: [], updated: [] };
  if (tablespaceOid !== null && filenode !== null) return { tablespaceOid, filenode, ...all };
  if (oid !== null) return { tablespaceOid: 0, filenode: 0, relationOid: oid, ...all };
  throw new LifeboatError(
    'rescue.unsupported',
    `the log does not tell in which file the rows of ${name ?? 'a truncated table'} were`,
    { hint: 'Open the state before it with lifeboat open and copy the table from there.' },
  );
}

function isLoss(table: LossTable): boolean {
  return table.deleted > 0 || table.action === 'truncated';
}

function requireRows(suspect: LossSuspect): void {
  const dropped = suspect.tables.find((table) => table.action === 'dropped');
  const gone = suspect.databases[0];
  const rewritten = suspect.tables.find(isDeletedAfterRewrite);
  const fact = gone
    ? `transaction ${suspect.xid} dropped the database ${gone.name ?? gone.oid}`
    : rewritten
      ? `transaction ${suspect.xid} rewrote ${rewritten.name ?? 'a table'} before it deleted its rows`
      : dropped
        ? `transaction ${suspect.xid} dropped the table ${dropped.name ?? dropped.oid}`
        : suspect.tables.some(isLoss)
          ? undefined
          : `transaction ${suspect.xid} deleted no rows, it overwrote some`;
  if (fact !== undefined) {
    throw new LifeboatError('rescue.unsupported', fact, {
      hint: `Only deleted and truncated rows are rescued. Look at the state before it with: lifeboat open --before-xid ${suspect.xid}`,
      context: { xid: suspect.xid, target: suspect.target.lsn },
    });
  }
  if (suspect.recoverable) return;
  throw new LifeboatError(
    'target.outside-window',
    `no snapshot leads to ${suspect.target.lsn}, just before transaction ${suspect.xid}`,
    { hint: 'See what can be recovered with "lifeboat points".' },
  );
}
