import { formatBytes, silentProgress } from '../../core/index.ts';
import {
  type BaselineDatabase,
  type BaselineRecord,
  type BaselineTable,
  listBaselines,
} from '../../sources/index.ts';
import { isOlderXid, parseLsn } from '../../wal/index.ts';
import { CarriedRows, type ExpectedRows, type TableFile } from './carried-rows.ts';
import { type LogRequest, type LogWindow, logWindows } from './log-windows.ts';
import { scanLog } from './scan-log.ts';

export interface ExpectedCountsRequest extends LogRequest {
  /** Every transaction counts whose COMMIT record begins before it: what a restore holds that has replayed up to here. */
  readonly lsn: bigint;
  /** That of the position. */
  readonly timeline: number;
  /** Nothing is expected when more log than this has to be read. Default: however much it is. */
  readonly mostLogBytes?: number;
}

/** How many rows tables must have at a position of the log. */
export interface ExpectedCounts {
  /** What was carried: when the rows were counted. Undefined: nothing is expected, `why` says why. */
  readonly baseline?: { readonly time: string; readonly lsn: string };
  readonly why?: string;
  /** `table` as the catalog of the restored cluster has it. */
  rowsOf(table: TableFile): ExpectedRows;
  /** Tables of a database that must be there and are not among `oids`. */
  missing(database: number, oids: ReadonlySet<number>): readonly BaselineTable[];
}

/**
 * Carries the newest baseline before `lsn` to it, by what the log says of every transaction in between: exact, or not known.
 * Errors: those of reading the log.
 */
export async function expectedCountsAt(request: ExpectedCountsRequest): Promise<ExpectedCounts> {
  const { repository, source, signal, lsn, progress = silentProgress } = request;
  const windows = await logWindows(request);
  const stored = await listBaselines(repository, source, progress);
  const baselines = stored.map(({ baseline }) => baseline);
  const chosen = choose(windows, baselines, request);
  if (chosen === undefined) return nothing('there is no baseline that the log leads on from');
  const { window, baseline } = chosen;
  const { start, wholeFromXid } = startOf(baseline, baselines, window);
  const logBytes = Number(lsn - start);
  if (logBytes > (request.mostLogBytes ?? Number.POSITIVE_INFINITY)) {
    return nothing(
      `the log since the last baseline is ${formatBytes(logBytes)}, more than a quick look reads; --validate full and \`lifeboat prove\` do`,
    );
  }
  const { tally, end } = await scanLog(
    window,
    { start, end: lsn },
    {
      index: {},
      tally: {
        moments: baseline.databases.map(({ oid, moment }) => {
          return { database: oid, moment: moment.counted };
        }),
        ...(wholeFromXid === undefined ? {} : { wholeFromXid }),
      },
    },
    { progress, title: 'carry the row counts', ...(signal ? { signal } : {}) },
  );
  if (tally === undefined || (end.kind === 'invalid' && BigInt(end.at) < lsn)) {
    return nothing(`the log between the baseline and there does not read: ${end.why}`);
  }
  const carried = new CarriedRows(baseline, tally);
  return {
    baseline: { time: baseline.time, lsn: baseline.lsn },
    rowsOf: (table) => carried.rowsOf(table),
    missing: (database, oids) => carried.missing(database, oids),
  };
}

function nothing(why: string): ExpectedCounts {
  return { why, rowsOf: () => ({ unknown: why }), missing: () => [] };
}

/** The newest baseline whose counts all lie before the position, in a piece of the log that leads there. */
function choose(
  windows: readonly LogWindow[],
  baselines: readonly BaselineRecord[],
  { lsn, timeline }: ExpectedCountsRequest,
): { readonly window: LogWindow; readonly baseline: BaselineRecord } | undefined {
  for (const window of windows) {
    if (window.timelineAt(lsn - 1n) !== timeline) continue;
    const leadsThere = ({ systemId, timeline: on, lsn: before, databases }: BaselineRecord) =>
      systemId === window.systemId &&
      parseLsn(before) >= window.start &&
      databases.length > 0 &&
      databases.every(({ moment }) => parseLsn(moment.lsn) <= lsn) &&
      databases.every(({ moment }) => window.timelineAt(parseLsn(moment.lsn) - 1n) === on) &&
      lsn <= window.end;
    const baseline = baselines.findLast(leadsThere);
    if (baseline !== undefined) return { window, baseline };
  }
  return undefined;
}

/** Where to read from, so that no transaction that was running at the baseline began before. */
function startOf(
  baseline: BaselineRecord,
  baselines: readonly BaselineRecord[],
  window: LogWindow,
): { readonly start: bigint; readonly wholeFromXid?: number } {
  const size = BigInt(window.segmentSizeBytes);
  const places = baselines
    .filter(({ systemId }) => systemId === baseline.systemId)
    .map(({ timeline, wholeFrom: { lsn, xid } }) => ({ timeline, at: parseLsn(lsn), xid }))
    .filter(
      ({ timeline, at, xid }) =>
        at >= window.start &&
        window.timelineAt(at) === timeline &&
        baseline.databases.every((each) => covers(each, at, xid)),
    )
    .sort((a, b) => (a.at < b.at ? 1 : -1));
  const [newest] = places;
  if (newest === undefined) return { start: window.start };
  return { start: newest.at - (newest.at % size), wholeFromXid: newest.xid };
}

function covers({ moment }: BaselineDatabase, at: bigint, xid: number): boolean {
  if (at > parseLsn(moment.lsn)) return false;
  const { counted } = moment;
  return counted.kind === 'replay' || !isOlderXid(counted.xmin, xid);
}
