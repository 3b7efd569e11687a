import { parseLsn } from '../../../wal/index.ts';
import type { LossSuspect } from '../../assess/loss-report.ts';
import type { PlanFacts } from '../facts.ts';
import type { Plan, Step } from '../plan.ts';
import { relevantSuspects } from '../relevant-suspects.ts';
import { type PlanFinding, warning } from './plan-finding.ts';

/** A state that has the loss in it still: everything newer would be given up, and what was lost would not come back. */
export function checkMoment(plan: Plan, facts: PlanFacts): readonly PlanFinding[] {
  return plan.steps
    .filter(({ kind }) => kind === 'restore' || kind === 'extract')
    .flatMap((step) => {
      const source = facts.sources.find(({ name }) => name === step.input.source);
      if (source?.kind !== 'postgres') return [];
      return relevantSuspects(source, facts.wish)
        .filter((suspect) => isBehind(step, suspect))
        .map((suspect) => ({ ...tell(source.name, suspect), step: step.id }));
    });
}

function tell(source: string, { kind, xid, commitTime }: LossSuspect): PlanFinding {
  return warning(
    'moment',
    `the loss is in the state that ${source} is taken to: transaction ${xid} (${kind}) committed at ${commitTime}, before it`,
    `The state just before it: --before-xid ${xid}. What it did was meant? Then all is well.`,
  );
}

function isBehind({ input }: Step, { commitTime, commitLsn }: LossSuspect): boolean {
  const target = (input.target ?? { kind: 'latest' }) as Readonly<Record<string, unknown>>;
  switch (target.kind) {
    case 'time':
      return Date.parse(String(target.time)) >= Date.parse(commitTime);
    case 'lsn':
      return isPast(parseLsn(String(target.lsn)), parseLsn(commitLsn), target.inclusive === true);
    default:
      return false;
  }
}

/** The state just before a commit is asked for by its own position, exclusively. */
function isPast(lsn: bigint, commit: bigint, isInclusive: boolean): boolean {
  return isInclusive ? lsn >= commit : lsn > commit;
}
