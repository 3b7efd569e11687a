import { LifeboatError } from '../../../core/index.ts';
import {
  formatLsn,
  isTransactionRecord,
  readTransactionEnd,
  type WalRecord,
} from '../../../wal/index.ts';
import { onLostTimeline, type TimelineLine } from './choose-timeline.ts';
import type { LoggedMoment } from './locate-target.ts';
import type { Reach, ReachRequest } from './reaches.ts';
import { piecesOf, visitPiece } from './search-log.ts';
import { timelineAt } from './timeline-path.ts';

interface Ending extends LoggedMoment {
  readonly outcome: 'commit' | 'abort';
  /** The transaction that the wanted one is, or is a part of. */
  readonly top: number;
}

/**
 * Where a transaction was committed; the newest of that number, because they come round again. A subtransaction is
 * committed with the one it is part of. Errors: `target.unknown` (never seen, rolled back, not ended), `target.outside-window`.
 */
export async function locateTransaction(
  request: ReachRequest & { readonly timeline?: number },
  line: TimelineLine,
  xid: number,
): Promise<LoggedMoment> {
  const { ending, wasSeen } = await search(request, line.reaches, xid);
  if (ending?.outcome === 'commit') return ending;
  if (ending) throw rolledBack(xid, ending);
  if (wasSeen) {
    throw new LifeboatError(
      'target.unknown',
      `transaction ${xid} had not ended where the log ends: nothing of it is in any state`,
      { hint: 'Choose "latest", a time, or another transaction.', context: { xid } },
    );
  }
  const lost = request.timeline === undefined ? await search(request, line.lost, xid) : {};
  if (lost.ending && lost.reach)
    throw onLostTimeline(line, lost.reach, `the end of transaction ${xid}`);
  throw new LifeboatError('target.unknown', `the log holds no transaction ${xid}`, {
    hint: 'It wrote nothing, or it lies outside of what "lifeboat points" shows. A very recent one may not have arrived yet.',
    context: { xid },
  });
}

/** Newest first, up to the first piece that tells how it ended. */
async function search(
  request: ReachRequest,
  reaches: readonly Reach[],
  xid: number,
): Promise<{ readonly ending?: Ending; readonly reach?: Reach; readonly wasSeen?: boolean }> {
  let wasSeen = false;
  for (const reach of firstOfEach(reaches)) {
    for (const piece of piecesOf(reaches.filter(({ path }) => path === reach.path))) {
      let ending: Ending | undefined;
      const visit = (record: WalRecord) => {
        if (record.xid === xid) wasSeen = true;
        if (isTransactionRecord(record)) ending = endingOf(record, xid) ?? ending;
        return undefined;
      };
      await visitPiece(piece, visit, {
        ...request,
        title: `searching the log for transaction ${xid}`,
      });
      if (ending === undefined) continue;
      const { lsn } = ending as Ending;
      return {
        ending: { ...(ending as Ending), timeline: timelineAt(piece.path, lsn) },
        reach,
        wasSeen,
      };
    }
  }
  return { wasSeen };
}

/** One reach for each path. */
function firstOfEach(reaches: readonly Reach[]): readonly Reach[] {
  return [...Map.groupBy(reaches, ({ path }) => path).values()].map((group) => group[0] as Reach);
}

function endingOf(record: WalRecord, xid: number): Ending | undefined {
  const end = readTransactionEnd(record);
  if (end === undefined || (end.xid !== xid && !end.subXids.includes(xid))) return undefined;
  return {
    what:
      end.xid === xid ? `transaction ${xid}` : `transaction ${end.xid}, which ${xid} is part of`,
    outcome: end.outcome,
    top: end.xid,
    lsn: record.lsn,
    timeline: record.timeline,
    time: new Date(end.timeMs),
  };
}

function rolledBack(xid: number, { lsn, time, top }: Ending): LifeboatError {
  const part = top === xid ? '' : `, with ${top} that it is part of`;
  return new LifeboatError(
    'target.unknown',
    `transaction ${xid} was rolled back at ${time.toISOString()}${part}: nothing of it is in any state`,
    {
      hint: `To get the state of that moment, ask for the position ${formatLsn(lsn)}.`,
      context: { xid, lsn: formatLsn(lsn), time: time.toISOString() },
    },
  );
}
