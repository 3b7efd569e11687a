import { silentProgress } from '../../../core/index.ts';
import type { Repository } from '../../../repository/index.ts';
import {
  type BaselineRecord,
  type BaselineTable,
  type CatalogRecord,
  type ConnectionSettings,
  collectBaseline,
  type Drift,
  driftSince,
  listBaselines,
  type PostgresSource,
  standingDrift,
} from '../../../sources/index.ts';
import { formatLsn, parseLsn } from '../../../wal/index.ts';
import { type ExpectedCounts, expectedCountsAt } from '../expected-counts.ts';
import { type LogRequest, logWindows } from '../log-windows.ts';
import { compareTables } from './compare-tables.ts';
import { gapOf, type PartWork } from './part-runner.ts';
import type { TablesFound } from './postgres-damage.ts';

/** Of the time of the part, for counting; what is not counted then is estimated. */
const countedShare = 0.5;

export interface TablesRequest {
  readonly source: PostgresSource;
  /** Where it can be counted; undefined: the server is not there. */
  readonly connection?: ConnectionSettings;
  readonly repository: Repository;
  readonly spool?: LogRequest['spool'];
  /** Compared with the newest baseline before it; default: with the newest. */
  readonly since?: Date;
  /** Log that is read to know how many rows must be there. */
  readonly mostLogBytes: number;
}

export interface SeenTables {
  readonly found: TablesFound;
  /** What the names mean now, for the search in the log. */
  readonly catalog?: CatalogRecord;
}

/** How much is in every table, against the baseline and against what the log accounts for. Errors: those of the repository. */
export async function lookAtTables(request: TablesRequest, part: PartWork): Promise<SeenTables> {
  const { source, repository, since } = request;
  const stored = await listBaselines(repository, source.name, part.progress);
  const before = stored.map(({ baseline }) => baseline).findLast(isBefore(since));
  if (before === undefined) part.gaps.push('there is no baseline to compare with');
  const counted = await countNow(request, part);
  const expected = await expectedOf(request, counted?.baseline, part);
  const drift = await driftOf(
    request,
    stored.map(({ baseline }) => baseline),
    counted?.baseline,
  );
  return {
    ...(counted === undefined ? {} : { catalog: counted.catalog }),
    found: {
      ...(before === undefined ? {} : { baseline: { time: before.time, lsn: before.lsn } }),
      ...(counted === undefined ? {} : { countedAt: counted.baseline.time }),
      ...(expected.at === undefined ? {} : { expectedAt: expected.at }),
      ...compareTables(before, counted?.baseline, {
        of: expected.rowsOf,
        isExact: expected.at?.isExact ?? false,
      }),
      drift,
    },
  };
}

function isBefore(since: Date | undefined) {
  return ({ time }: BaselineRecord) => since === undefined || Date.parse(time) <= since.getTime();
}

async function countNow(
  { connection }: TablesRequest,
  part: PartWork,
): Promise<Awaited<ReturnType<typeof collectBaseline>> | undefined> {
  if (connection === undefined) {
    part.gaps.push('the tables as they are now: the server could not be looked at');
    return undefined;
  }
  try {
    return await collectBaseline(connection, 'timer', {
      countBudgetMs: part.leftMs() * countedShare,
      signal: part.signal,
      onUnreadable: (database, { message }) =>
        void part.gaps.push(`the tables of ${database}: ${message}`),
    });
  } catch (error) {
    part.gaps.push(`the tables as they are now: ${gapOf(error, part).message}`);
    return undefined;
  }
}

interface Accounted {
  readonly at?: { readonly lsn: string; readonly isExact: boolean };
  rowsOf(database: number, table: BaselineTable): ReturnType<ExpectedCounts['rowsOf']> | undefined;
}

/** What the log accounts for, at the moment of the count if it reaches so far, else at its end. */
async function expectedOf(
  { repository, source, spool, mostLogBytes }: TablesRequest,
  now: BaselineRecord | undefined,
  part: PartWork,
): Promise<Accounted> {
  const tell = (why: string): Accounted => {
    part.gaps.push(`how many rows the log accounts for: ${why}`);
    return { rowsOf: () => undefined };
  };
  const log = { repository, source: source.name, signal: part.signal, progress: part.progress };
  const request = { ...log, ...(spool ? { spool } : {}) };
  try {
    const [window] = await logWindows(request);
    if (window === undefined) return tell('there is no snapshot that the log leads on from');
    const moments = (now?.databases ?? []).map(({ moment }) => parseLsn(moment.lsn));
    const counted = moments.reduce((a, b) => (a > b ? a : b), 0n);
    const isOfNow =
      now !== undefined && now.timeline === window.timeline && now.systemId === window.systemId;
    const lsn = isOfNow && counted > 0n && counted < window.end ? counted : window.end;
    const expected = await expectedCountsAt({
      ...request,
      lsn,
      timeline: window.timelineAt(lsn - 1n) ?? window.timeline,
      mostLogBytes,
    });
    if (expected.why !== undefined) return tell(expected.why);
    // Nothing was written while it was counted, and the log holds all up to there.
    const isExact = isOfNow && moments.every((each) => each === lsn) && parseLsn(now.lsn) === lsn;
    return {
      at: { lsn: formatLsn(lsn), isExact },
      rowsOf: (database, { oid, filenode, tablespace }) =>
        tablespace === undefined || filenode === 0
          ? undefined
          : expected.rowsOf({ database, oid, filenode, tablespace }),
    };
  } catch (error) {
    return tell(gapOf(error, part).message);
  }
}

/** What is outstanding and stands still, and what shows only now. Records nothing. */
async function driftOf(
  { repository, source }: TablesRequest,
  stored: readonly BaselineRecord[],
  now: BaselineRecord | undefined,
): Promise<readonly Drift[]> {
  const limits = source.driftLimits;
  const options = { repository, source: source.name, limits, progress: silentProgress };
  if (now === undefined) return await standingDrift(stored, options);
  const known = await standingDrift([...stored, now], options);
  return [...(await driftSince(now, options)), ...known];
}
