import { parseLsn } from '../../wal/index.ts';
import type { SnapshotFacts, SourceFacts } from './facts.ts';
import type { PlanMoment } from './moment.ts';

/**
 * Which snapshot a restore to a moment would begin with, as far as the facts tell, and how much log it would replay: the one that is
 * named, else the newest before it. Only for predictions: the restore itself chooses by timelines too.
 */
export function chooseBase(
  { snapshots, windows }: SourceFacts,
  moment: PlanMoment | undefined,
): { readonly base?: SnapshotFacts; readonly logBytes?: number } {
  const base =
    moment?.snapshot === undefined
      ? snapshots.find((each) => isBefore(each, moment))
      : snapshots.find(({ id }) => id === moment.snapshot);
  if (base === undefined) return {};
  const end = moment?.lsn ?? (moment?.target.kind === 'latest' ? windows[0]?.toLsn : undefined);
  if (end === undefined || base.lsn === undefined) return { base };
  const logBytes = Number(parseLsn(end) - parseLsn(base.lsn));
  return logBytes < 0 ? { base } : { base, logBytes };
}

function isBefore({ lsn, time }: SnapshotFacts, moment: PlanMoment | undefined): boolean {
  if (moment === undefined || moment.target.kind === 'latest') return true;
  if (moment.lsn !== undefined && lsn !== undefined) return parseLsn(lsn) <= parseLsn(moment.lsn);
  return moment.time === undefined || time <= moment.time;
}
