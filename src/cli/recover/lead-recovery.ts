import { type DamageReport, type Plan, type RunState, storePlan } from '../../recovery/index.ts';
import type { CommandContext } from '../command.ts';
import { attachReport } from '../incident/attach-report.ts';
import { wishedOf } from '../incident/known-incident.ts';
import { nextCommand } from '../next-command.ts';
import { describeDamage } from '../output/damage-text.ts';
import { describeFindings, describePlan, describeRefusal } from '../output/plan-text.ts';
import { type WishValues, wishOf } from '../plan-wish.ts';
import { askMore } from './ask-more.ts';
import { begunBefore, insteadOfAnother } from './begun-before.ts';
import { enterIncident } from './enter-incident.ts';
import { incidentToRecover } from './incident-to-recover.ts';
import { lookAtDamage, type MadePlan } from './make-plan.ts';
import type { OpenedRuns } from './open-runs.ts';
import { type Aim, type AimedPlan, planFor, planWhereDamaged } from './plan-where-damaged.ts';
import { nothingAnswers, requireUsable } from './require-usable.ts';
import { damagedBesides, isAnythingWished, scopeOf } from './scope.ts';
import { tellBesides, tellElsewhere, tellNotLooked } from './tell-scope.ts';

/** What may be said from the beginning; at a terminal the rest is asked. */
export interface LeadOptions extends WishValues {
  readonly type: string | undefined;
  readonly severity: string | undefined;
  readonly incident: string | undefined;
  readonly title: string | undefined;
  readonly quick: boolean | undefined;
}

/**
 * From "something is wrong" to the end of a recovery: the incident, the damage, the plan, and its run. Nothing is changed before the plan
 * was shown; at a terminal it has to be agreed to, and whatever changes something asks besides. Undefined: a person chose to stop before
 * that. Errors: `run.busy`, `plan.refused`, those of runs.
 */
export async function leadRecovery(
  opened: OpenedRuns,
  wanted: string | undefined,
  options: LeadOptions,
  context: CommandContext,
): Promise<RunState | undefined> {
  const { runs, surroundings, desk } = opened;
  const { output, ask } = context;

  // 1. What happened. A recovery that is under way is gone on with; over one that has recovered there may be another.
  const before = await begunBefore(opened, wanted);
  const instead = await insteadOfAnother(opened, before, context);
  if (instead) return await instead.act();
  const incident = await incidentToRecover(desk, surroundings, { wanted, options, context });
  const scope = scopeOf(wanted, incident, options.incident !== undefined, surroundings);

  // 2. What is damaged, and what there is to recover with.
  const work = { surroundings, context, mode: 'live' as const };
  output.say(({ dim }) =>
    dim(`\nLooking at ${scope.looked.join(', ')}. Nothing is changed by that.`),
  );
  const look = async () => {
    const seen = await lookAtDamage(
      { surroundings, context, sources: scope.looked },
      options.quick,
    );
    showDamage(seen, opened, context);
    tellNotLooked(scope, context);
    await attachReport(desk.incidents, incident.id, seen);
    return seen;
  };
  let found = await look();

  // 3. How it is recovered. What is said from here on is said of what was planned for.
  let aim: Aim | undefined;
  let said: LeadOptions = options;
  for (;;) {
    const wish = await wishOf(said, aim?.sources ?? scope.own, surroundings, context);
    const isWished = isAnythingWished(options);
    const planned = await (aim === undefined
      ? planWhereDamaged(work, scope, found, { incident, wish, isWished })
      : planFor(work, aim, found, wish));
    const { made, report } = planned;
    tellElsewhere(planned, surroundings, context);
    showPlan(planned, context);
    tellBesides(damagedBesides(planned.aim.sources, found), surroundings, context);
    const isAgreed = ask === undefined ? 'carry-out' : await askMore(made, report, context);
    if (isAgreed === 'carry-out') {
      const plan = agreedPlan(made);
      await keep(plan, opened, context);
      await enterIncident(plan, planned.aim.incident, desk, context);
      return await runs.start(plan, await opened.clockOf(plan));
    }
    if (isAgreed === 'stop') {
      if (made.plan) await keep(made.plan, opened, context);
      output.say(({ dim }) =>
        dim(
          `Nothing was changed. The incident ${incident.id} is open; \`lifeboat recover\` goes on.`,
        ),
      );
      return undefined;
    }
    if (isAgreed === 'again') found = await look();
    else {
      said = { ...said, ...isAgreed };
      const { type, severity } = isAgreed;
      aim = {
        ...planned.aim,
        incident: { ...planned.aim.incident, ...wishedOf({ type, severity }) },
      };
    }
  }
}

function showDamage(
  report: DamageReport,
  { surroundings: { configuration } }: OpenedRuns,
  context: CommandContext,
): void {
  const next = (source: string, command: string, rest: string) =>
    nextCommand(context, { configuration, source: { name: source } })(command, rest);
  context.output.report({ type: 'damage-report', ...report }, (style) =>
    describeDamage(report, next, style),
  );
}

function showPlan({ made, aim }: AimedPlan, { output }: CommandContext): void {
  if (made.plan === undefined) {
    const { chosen } = made;
    output.report(
      { type: 'plan-refused', sources: aim.sources, ...chosen },
      (style) => `\n${describeRefusal(chosen, style)}`,
    );
    return;
  }
  const { plan, findings } = made;
  output.report({ type: 'plan', ...plan }, (style) => `\n${describePlan(plan, style)}`);
  for (const finding of findings) output.report({ type: 'plan-finding', ...finding });
  output.say((style) => describeFindings(findings, style));
}

/** Errors: `plan.refused`. */
function agreedPlan(made: MadePlan): Plan {
  if (made.plan === undefined) throw nothingAnswers(made.chosen);
  requireUsable(made.findings);
  return made.plan;
}

async function keep(
  plan: Plan,
  { surroundings }: OpenedRuns,
  { output }: CommandContext,
): Promise<void> {
  const { stored, problems } = await storePlan(plan, surroundings);
  output.report({ type: 'plan-kept', id: plan.id, stored, problems });
  for (const [name, problem] of Object.entries(problems)) {
    output.warn(`the plan is not in the repository ${name}: ${problem}`);
  }
}
