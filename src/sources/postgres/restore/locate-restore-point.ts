import { LifeboatError } from '../../../core/index.ts';
import { formatLsn, readRestorePoint } from '../../../wal/index.ts';
import { onLostTimeline, type TimelineLine } from './choose-timeline.ts';
import type { LoggedMoment } from './locate-target.ts';
import type { Reach, ReachRequest } from './reaches.ts';
import { piecesOf, visitPiece } from './search-log.ts';
import { timelineAt } from './timeline-path.ts';

interface NamedPoint extends LoggedMoment {
  readonly name: string;
  readonly reach: Reach;
}

const listedAtMost = 20;

/**
 * The restore point of that name. Where there are several, all are told and none is chosen, unless `until` says which.
 * Errors: `target.unknown`, `target.outside-window`.
 */
export async function locateRestorePoint(
  request: ReachRequest & { readonly timeline?: number },
  line: TimelineLine,
  target: { readonly name: string; readonly until?: Date },
): Promise<LoggedMoment> {
  const { name, until } = target;
  const all = await restorePoints(request, line.reaches);
  const named = all.filter((each) => each.name === name);
  const found = named.filter(({ time }) => until === undefined || time <= until);
  const [newest, another] = found;
  if (newest && (until !== undefined || !another)) return newest;
  if (newest) throw ambiguous(name, found);
  const lost =
    request.timeline === undefined && named.length === 0
      ? (await restorePoints(request, line.lost)).find((each) => each.name === name)
      : undefined;
  if (lost) throw onLostTimeline(line, lost.reach, `the restore point ${JSON.stringify(name)}`);
  throw new LifeboatError(
    'target.unknown',
    named.length > 0
      ? `there is no restore point ${JSON.stringify(name)} up to ${until?.toISOString()}`
      : `the log holds no restore point ${JSON.stringify(name)}`,
    {
      hint:
        all.length === 0
          ? 'It holds none at all. SELECT pg_create_restore_point(NAME) makes one.'
          : `It holds: ${listed(named.length > 0 ? named : all)}.`,
      context: { name },
    },
  );
}

/** All restore points in the log, the newest first. */
async function restorePoints(
  request: ReachRequest,
  reaches: readonly Reach[],
): Promise<readonly NamedPoint[]> {
  const found = new Map<string, NamedPoint>();
  for (const group of Map.groupBy(reaches, ({ path }) => path).values()) {
    const reach = group[0] as Reach;
    for (const piece of piecesOf(group)) {
      await visitPiece(
        piece,
        (record) => {
          const point = readRestorePoint(record);
          if (point === undefined) return;
          const { name, timeMs } = point;
          const timeline = timelineAt(piece.path, record.lsn);
          found.set(`${timeline} ${record.lsn}`, {
            what: `the restore point ${JSON.stringify(name)}`,
            name,
            reach,
            timeline,
            lsn: record.lsn,
            time: new Date(timeMs),
          });
        },
        { ...request, title: 'searching the log for restore points' },
      );
    }
  }
  return [...found.values()].toSorted((a, b) => (a.lsn < b.lsn ? 1 : -1));
}

function ambiguous(name: string, found: readonly NamedPoint[]): LifeboatError {
  return new LifeboatError(
    'target.unknown',
    `${found.length} restore points have the name ${JSON.stringify(name)}: ${listed(found)}`,
    {
      hint: 'Say which one: --at TIME beside --name takes the last one up to that time; or give its position as --at.',
      context: {
        name,
        times: found.map(({ time }) => time.toISOString()),
        positions: found.map(({ lsn }) => formatLsn(lsn)),
      },
    },
  );
}

function listed(points: readonly NamedPoint[]): string {
  const shown = points.slice(0, listedAtMost).map(({ name, time, lsn, timeline }) => {
    return `${JSON.stringify(name)} of ${time.toISOString()} (${formatLsn(lsn)}, timeline ${timeline})`;
  });
  const more = points.length > listedAtMost ? [`and ${points.length - listedAtMost} more`] : [];
  return [...shown, ...more].join(', ');
}
