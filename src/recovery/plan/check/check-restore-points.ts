import { chooseBase } from '../choose-base.ts';
import type { PlanFacts, SourceFacts } from '../facts.ts';
import type { PlanMoment } from '../moment.ts';
import type { Plan, Step } from '../plan.ts';
import { ok, type PlanFinding, problem, warning } from './plan-finding.ts';

const restoring = ['restore', 'restore-files', 'extract', 'rescue-rows'];

/** What each step restores from is there, and was seen to restore. */
export function checkRestorePoints(plan: Plan, facts: PlanFacts): readonly PlanFinding[] {
  return plan.steps
    .filter(({ kind }) => restoring.includes(kind))
    .flatMap((step) => {
      const source = facts.sources.find(({ name }) => name === step.input.source);
      return source === undefined ? [] : judge(plan, step, source);
    });
}

function judge(plan: Plan, step: Step, source: SourceFacts): readonly PlanFinding[] {
  const moment = momentOfStep(step, source);
  const { base } = chooseBase(source, moment);
  const about = { step: step.id };
  if (base === undefined) {
    const fact = `no snapshot of ${source.name} is there to begin with`;
    const remedy = `\`lifeboat points ${source.name}\` shows what is; \`lifeboat copy\` brings snapshots of a copy.`;
    return [{ ...problem('restore-point', fact, remedy), ...about }];
  }
  const short = base.id.slice(0, 8);
  const found: PlanFinding[] = base.doubts.map((doubt) => {
    const fact = `snapshot ${short} of ${source.name}: ${doubt}`;
    const judged = plan.method === 'clean-rebuild' ? problem : warning;
    return {
      ...judged(
        'restore-point',
        fact,
        `Look at it first (\`lifeboat open ${source.name} --snapshot ${short}\`), or choose another with --snapshot.`,
      ),
      ...about,
    };
  });
  if (source.kind !== 'postgres') {
    return found.length > 0
      ? found
      : [{ ...ok('restore-point', `snapshot ${short} of ${source.name}`), ...about }];
  }
  const proof = source.proofs.find(
    (each) => each.snapshot === base.id && each.verdict === 'passed',
  );
  if (proof === undefined || !proof.isValid) {
    const fact =
      proof === undefined
        ? `snapshot ${short} of ${source.name} was never proven`
        : `the proof of snapshot ${short} of ${source.name} is of ${proof.time.slice(0, 10)}, and counts no more`;
    const judged = plan.method === 'clean-rebuild' && proof === undefined ? problem : warning;
    const remedy = `The plan validates what it restores before anything is swapped. To know it now: \`lifeboat prove ${source.name} --snapshot ${short}\`.`;
    found.push({ ...judged('proof', fact, remedy), ...about });
  }
  if (found.length > 0) return found;
  const fact = `snapshot ${short} of ${source.name}, proven ${proof?.time.slice(0, 10)} (proof ${proof?.id.slice(0, 8)})`;
  return [{ ...ok('proof', fact), ...about }];
}

/** What a step begins with: of a rescue the state just before its transaction. */
function momentOfStep({ kind, input }: Step, { damage }: SourceFacts): PlanMoment {
  const suspect = damage.suspects.find(({ xid }) => kind === 'rescue-rows' && xid === input.xid);
  if (suspect !== undefined) {
    const { lsn } = suspect.target;
    return {
      target: { kind: 'lsn', lsn },
      text: '',
      lsn,
      ...(suspect.base ? { snapshot: suspect.base.snapshot } : {}),
    };
  }
  const target = (input.target ?? { kind: 'latest' }) as PlanMoment['target'];
  const { snapshot } = input;
  return {
    target,
    text: '',
    ...(typeof target.lsn === 'string' ? { lsn: target.lsn } : {}),
    ...(typeof target.time === 'string' ? { time: target.time } : {}),
    ...(typeof snapshot === 'string' ? { snapshot } : {}),
  };
}
