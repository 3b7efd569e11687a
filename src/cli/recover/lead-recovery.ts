import { type DamageReport, type Plan, type RunState, storePlan } from '../../recovery/index.ts';
import type { CommandContext } from '../command.ts';
import { attachReport } from '../incident/attach-report.ts';
import { type KnownIncident, wishedOf } from '../incident/known-incident.ts';
import { nextCommand } from '../next-command.ts';
import { describeDamage } from '../output/damage-text.ts';
import { describeFindings, describePlan, describeRefusal } from '../output/plan-text.ts';
import { type WishValues, wishOf } from '../plan-wish.ts';
import { askMore } from './ask-more.ts';
import { begunBefore, insteadOfAnother } from './begun-before.ts';
import { incidentToRecover } from './incident-to-recover.ts';
import { lookAtDamage, type MadePlan, makePlan } from './make-plan.ts';
import type { OpenedRuns } from './open-runs.ts';
import { nothingAnswers, requireUsable } from './require-usable.ts';
import { damagedBesides, isAnythingSaid, plannedSources, reportOf, scopeOf } from './scope.ts';
import { tellBesides, tellNotLooked } from './tell-scope.ts';

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
  let said: LeadOptions = options;
  let known: KnownIncident = incident;
  const ground = { surroundings, context, sources: scope.looked };
  output.say(({ dim }) =>
    dim(`\nLooking at ${scope.looked.join(', ')}. Nothing is changed by that.`),
  );
  let planned = scope.own;
  const look = async () => {
    const seen = await lookAtDamage(ground, options.quick);
    showDamage(seen, opened, context);
    tellNotLooked(scope, context);
    await attachReport(desk.incidents, incident.id, seen);
    // What was said meanwhile was said of what was planned for.
    if (said === options) {
      planned = plannedSources(scope, seen, isAnythingSaid(options, incident));
    }
    return seen;
  };
  let found = await look();

  // 3. How it is recovered.
  for (;;) {
    const report = reportOf(found, planned);
    const wish = await wishOf(said, planned, surroundings, context);
    known = { ...known, ...wishedOf(said) };
    const made = await makePlan(
      { ...ground, sources: planned, incident: known },
      report,
      wish,
      'live',
    );
    showPlan(made, planned, context);
    tellBesides(damagedBesides(planned, found), surroundings, context);
    const isAgreed = ask === undefined ? 'carry-out' : await askMore(made, report, context);
    if (isAgreed === 'carry-out') {
      const plan = agreedPlan(made);
      await keep(plan, opened, context);
      await desk.incidents.update(incident.id, {
        status: 'recovering',
        ...(known.lossType === undefined ? {} : { lossType: known.lossType }),
      });
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
    else said = { ...said, ...isAgreed };
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

function showPlan(made: MadePlan, sources: readonly string[], { output }: CommandContext): void {
  if (made.plan === undefined) {
    const { chosen } = made;
    output.report(
      { type: 'plan-refused', sources, ...chosen },
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
