import { holdsFiles } from '../../config/index.ts';
import { formatDuration } from '../../core/index.ts';
import type { SourceChoice } from './choose-method.ts';
import type { PlanFacts, SourceFacts } from './facts.ts';
import type { PlanMoment } from './moment.ts';
import type { Prediction } from './plan.ts';
import { relevantSuspects } from './relevant-suspects.ts';

export type Loss = Pick<Prediction, 'loss' | 'lossMs' | 'missedRpoMs' | 'basis'>;

const none: Loss = { loss: 'none', lossMs: 0, basis: [] };

/** What is given up by a choice, in words that a person can agree to, and whether that is more than was promised. */
export function predictLoss(choice: SourceChoice, facts: PlanFacts): Loss {
  const source = facts.sources.find(({ name }) => name === choice.source);
  if (source === undefined) return none;
  const given = lossOf(choice, source, facts);
  const { loss, lossMs } = given;
  const { rpoMs } = source;
  if (rpoMs === undefined || lossMs === undefined || lossMs <= rpoMs) return given;
  return {
    ...given,
    loss: `${loss}, more than the ${formatDuration(rpoMs)} that are promised at most (RPO)`,
    missedRpoMs: rpoMs,
  };
}

function lossOf(choice: SourceChoice, source: SourceFacts, facts: PlanFacts): Loss {
  const { moment } = choice;
  switch (choice.method) {
    case 'restart':
    case 'redeploy':
    case 'new-backup':
      return none;
    case 'rescue-rows':
      return rescueLoss(source, facts);
    case 'table-from-the-past':
      return {
        ...none,
        basis: [
          `${source.name}: the tables come back as of ${moment?.text}; all others stay as they are`,
        ],
      };
    case 'restore-files':
      return filesLoss(source, moment, facts);
    case 'point-in-time':
    case 'full-restore':
    case 'new-server':
    case 'clean-rebuild':
      return holdsFiles(source.kind)
        ? filesLoss(source, moment, facts)
        : writesSince(source, moment, facts);
  }
}

function rescueLoss(source: SourceFacts, { wish }: PlanFacts): Loss {
  const left = relevantSuspects(source, wish).filter(({ action }) => action !== 'rescue');
  const kept = `${source.name}: rows are put back, what was written since stays`;
  if (left.length === 0) return { ...none, basis: [kept] };
  const what = left.map(({ xid, kind }) => `${kind} of transaction ${xid}`).join(', ');
  return { loss: `what was overwritten or dropped stays so: ${what}`, basis: [kept] };
}

/** Everything that the cluster took in after the moment. */
function writesSince(source: SourceFacts, moment: PlanMoment | undefined, facts: PlanFacts): Loss {
  const { windows, snapshots, server, proofs } = source;
  const isLive = server === 'up';
  const [window] = windows;
  if (moment?.target.kind === 'latest' && moment.timeline !== undefined) {
    return writesBeside(source, moment.timeline, facts);
  }
  if (moment === undefined || moment.target.kind === 'latest') {
    const end = window?.to ?? snapshots[0]?.time;
    if (end === undefined) return { loss: 'nobody knows: there is no restore point', basis: [] };
    const ms = age(end, facts.time);
    const measured = proofs.find(({ verdict }) => verdict === 'passed');
    return {
      loss: `at most the writes of ${formatDuration(ms)} after ${end}, as far as they never left the server`,
      lossMs: ms,
      basis: [
        `${source.name}: the newest commit that is stored is of ${end}`,
        ...(measured ? [`${source.name}: last proven on ${measured.time.slice(0, 10)}`] : []),
        ...leftBehind(source, end),
      ],
    };
  }
  if (moment.time === undefined) {
    return {
      loss: `every write to ${source.name} after ${moment.text}`,
      basis: [`${source.name}: when that was is not known`],
    };
  }
  const end = isLive ? facts.time : (window?.to ?? facts.time);
  const ms = age(moment.time, end);
  return {
    loss: `every write to ${source.name} of ${formatDuration(ms)} after ${moment.time}`,
    lossMs: ms,
    basis: [
      isLive
        ? `${source.name}: counted until now, it still takes writes`
        : `${source.name}: counted until its newest stored commit, ${end}`,
    ],
  };
}

/** The newest state along a timeline that a person has named: what others took after it is stored, and does not come along. */
function writesBeside(source: SourceFacts, timeline: number, { time }: PlanFacts): Loss {
  const { name, windows, givenUp = [] } = source;
  const all = [...windows, ...givenUp];
  const [end] = all
    .filter((each) => each.timeline === timeline)
    .map(({ to }) => to)
    .sort()
    .reverse();
  if (end === undefined) {
    return { loss: `nobody knows: where timeline ${timeline} ends is not told`, basis: [] };
  }
  const ms = age(end, time);
  const left = all.filter((each) => each.timeline !== timeline && each.to > end);
  const stored = left.map(
    (each) =>
      `${name}: what was written until ${each.to} along timeline ${each.timeline} does not come along; it is stored`,
  );
  return {
    loss: `every write to ${name} of ${formatDuration(ms)} after ${end}`,
    lossMs: ms,
    basis: [
      `${name}: the newest commit that is stored along timeline ${timeline} is of ${end}`,
      ...stored,
    ],
  };
}

/** What was taken by a recovered server after that, before the recovery was taken back. */
function leftBehind({ name, givenUp = [] }: SourceFacts, end: string): readonly string[] {
  return givenUp
    .filter(({ to }) => to > end)
    .map(
      ({ to, timeline }) =>
        `${name}: what was written until ${to} to the recovery that was taken back is stored too, and comes back by --timeline ${timeline} only`,
    );
}

function filesLoss(source: SourceFacts, moment: PlanMoment | undefined, facts: PlanFacts): Loss {
  const time = moment?.time ?? source.snapshots[0]?.time;
  if (time === undefined) return { loss: 'nobody knows: there is no snapshot', basis: [] };
  const ms = age(time, facts.time);
  return {
    loss: source.isOutOfReach
      ? `every change to ${source.name} of ${formatDuration(ms)} after ${time}, new files too`
      : `changes of ${formatDuration(ms)} to the files that come back, after ${time}`,
    lossMs: ms,
    basis: [`${source.name}: ${moment?.text ?? `snapshot of ${time}`}`],
  };
}

function age(from: string, to: string): number {
  return Math.max(0, Date.parse(to) - Date.parse(from));
}
