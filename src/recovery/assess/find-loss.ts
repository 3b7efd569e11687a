import { silentProgress } from '../../core/index.ts';
import type { CatalogRecord } from '../../sources/index.ts';
import {
  type CommittedTransaction,
  findSuspects,
  firstUserOid,
  formatLsn,
  type Suspect,
  type SuspectThresholds,
} from '../../wal/index.ts';
import { CatalogDirectory } from './catalog-directory.ts';
import { judgeSuspect } from './judge-suspect.ts';
import { type LogRequest, type LogWindow, logWindows } from './log-windows.ts';
import type { LossReport, LossSuspect, SearchedSpan } from './loss-report.ts';
import { markOwn, type OwnRemoval, ownRemovals } from './own-removals.ts';
import { readCatalogs } from './read-catalogs.ts';
import { scanAround } from './scan-around.ts';

export interface FindLossOptions extends LogRequest {
  /** Only transactions that committed in between; both inclusive. */
  readonly since?: Date;
  readonly until?: Date;
  /** A DELETE of fewer rows is not reported (unless it emptied a table, or most of it). Default 100. */
  readonly minRows?: number;
  /** Only this transaction, however little it did. */
  readonly xid?: number;
}

/**
 * Reads the source's log and names the transactions that may have destroyed data, worst first. Reads everything that a
 * snapshot leads into; with `since`, from the newest snapshot before it. Errors: `repository.*`, `wal.unsupported`,
 * `cancelled`.
 */
export async function findLoss(options: FindLossOptions): Promise<LossReport> {
  const progress = options.progress ?? silentProgress;
  const windows = await logWindows(options);
  const suspects: { suspect: LossSuspect; systemId: string }[] = [];
  const searched: SearchedSpan[] = [];
  const notSearched: string[] = [];
  const catalogsSeen = new Set<CatalogRecord>();
  let transactions = 0;
  if (windows.length === 0) notSearched.push('there is no snapshot of this source');
  for (const window of windows) {
    const { repository, source } = options;
    const stored = await readCatalogs(repository, source, window.systemId, progress);
    const now = (options.catalogs ?? []).filter((each) => each.systemId === window.systemId);
    const catalogs = [...stored, ...now];
    for (const catalog of catalogs) catalogsSeen.add(catalog);
    const directory = new CatalogDirectory(catalogs);
    const range = { start: startFor(window, options.since), end: window.end };
    const { stretches, lost } = await scanAround(
      window,
      range,
      { index: { catalogFiles: movedCatalogs(catalogs) } },
      { ...signalOf(options), progress, title: 'read the log' },
    );
    notSearched.push(...lost);
    for (const { start, result, isBehindDamage } of stretches) {
      transactions += result.committedCount;
      const reached = BigInt(result.end.at);
      searched.push({
        timeline: window.timeline,
        fromLsn: formatLsn(start),
        toLsn: formatLsn(reached),
        bytes: Number(reached - start),
      });
      for (const suspect of suspectsIn(result.transactions, directory, options)) {
        const judged = judgeSuspect(suspect, window, start, directory);
        const { systemId } = window;
        const seen = isBehindDamage ? Object.freeze({ ...judged, certain: false }) : judged;
        suspects.push({ suspect: seen, systemId });
      }
    }
    const last = stretches.at(-1);
    const whole = { kind: 'end-of-input', at: Number(range.end), why: '' };
    notSearched.push(
      ...missed(window, range.start, last?.end === range.end ? last.result.end : whole),
    );
  }
  return Object.freeze({
    source: options.source,
    suspects: inOrder(markOwn(suspects, await removalsFor(suspects, options))),
    searched,
    notSearched,
    transactions,
    catalogs: catalogsSeen.size,
  });
}

/** Journals of runs are read where something may stand in them. */
async function removalsFor(
  suspects: readonly { readonly suspect: LossSuspect }[],
  { repository }: FindLossOptions,
): Promise<readonly OwnRemoval[]> {
  const isAny = suspects.some(({ suspect }) => suspect.kind === 'drop-database');
  return isAny ? await ownRemovals(repository) : [];
}

/** The start of the window, or of the WAL that the newest snapshot before `since` lies in. */
function startFor(window: LogWindow, since: Date | undefined): bigint {
  if (since === undefined) return window.start;
  const base = window.snapshots.find(({ stopTime }) => Date.parse(stopTime) <= since.getTime());
  if (base === undefined) return window.start;
  const start = base.startLsn - (base.startLsn % BigInt(window.segmentSizeBytes));
  return start > window.start ? start : window.start;
}

/** Catalogs lie in other files than their oid says after a VACUUM FULL. */
function movedCatalogs(catalogs: readonly CatalogRecord[]) {
  return catalogs.flatMap(({ databases }) =>
    databases.flatMap((database) =>
      database.relations
        .filter(({ oid, filenode }) => oid < firstUserOid && filenode > 0 && filenode !== oid)
        .map(({ oid, filenode }) => ({ database: database.oid, oid, filenode })),
    ),
  );
}

/** Names and row counts are those of the moment of each transaction. */
function suspectsIn(
  transactions: readonly CommittedTransaction[],
  directory: CatalogDirectory,
  options: FindLossOptions,
): readonly Suspect[] {
  const { since, until, minRows, xid } = options;
  const wanted = transactions.filter(
    (each) =>
      (xid === undefined || each.xid === xid || each.subXids.includes(xid)) &&
      (since === undefined || each.commitTimeMs >= since.getTime()) &&
      (until === undefined || each.commitTimeMs < until.getTime() + 1),
  );
  const everything = { minRows: 1, minUpdatedRows: 1 };
  const thresholds: Partial<SuspectThresholds> =
    xid !== undefined ? everything : minRows === undefined ? {} : { minRows };
  return wanted.flatMap((each) =>
    findSuspects([each], directory.at(BigInt(each.firstPosition)), thresholds),
  );
}

function missed(
  window: LogWindow,
  start: bigint,
  end: { readonly kind: string; readonly at: number; readonly why: string },
): string[] {
  const found: string[] = [];
  const at = formatLsn(BigInt(end.at));
  if (start > window.start) {
    found.push(`before ${formatLsn(start)}: it lies before the snapshot that --since starts from`);
  }
  if (end.kind === 'invalid' && BigInt(end.at) < window.end) {
    const span = `${at} to ${formatLsn(window.end)}`;
    // The last bytes of a log that is still written may be zeroes or a torn record.
    const isTail = window.end - BigInt(end.at) <= BigInt(window.segmentSizeBytes);
    found.push(
      isTail ? `${span}: no whole record there` : `${span}: the log is damaged (${end.why})`,
    );
  }
  if (window.endsAtHole) found.push(`behind ${formatLsn(window.end)}: the log has a gap`);
  else found.push(`what the server wrote after ${at}: it is not in the repository yet`);
  return found;
}

const severities = ['critical', 'high', 'medium', 'low'];

function inOrder(suspects: readonly LossSuspect[]): readonly LossSuspect[] {
  const worst = (suspect: LossSuspect) => severities.indexOf(suspect.severity);
  return suspects.toSorted(
    (a, b) => worst(a) - worst(b) || Date.parse(b.commitTime) - Date.parse(a.commitTime),
  );
}

function signalOf({ signal }: { readonly signal?: AbortSignal }): { signal?: AbortSignal } {
  return signal ? { signal } : {};
}
