import type { DamageReport, RunMode } from '../../recovery/index.ts';
import type { KnownIncident } from '../incident/known-incident.ts';
import type { KnownWish } from '../plan-wish.ts';
import { type MadePlan, makePlan, type PlanGround } from './make-plan.ts';
import { insteadOfOwn, reportOf, type Scope } from './scope.ts';

/** What is planned for, and what is known of just that. */
export interface Aim {
  readonly sources: readonly string[];
  readonly incident: KnownIncident;
}

/** Why others are planned for: the own sources are well, and no plan is made for them. */
export interface Elsewhere {
  readonly own: readonly string[];
  /** What was said of the own ones; it is not done to the others. */
  readonly lossType?: NonNullable<KnownIncident['lossType']>;
  /** Why that gives no plan for the own ones. */
  readonly reasons: readonly string[];
}

export interface AimedPlan {
  readonly aim: Aim;
  readonly report: DamageReport;
  readonly made: MadePlan;
  readonly elsewhere?: Elsewhere;
}

export type PlanWork = Pick<PlanGround, 'surroundings' | 'context'> & { readonly mode: RunMode };

/** For what the recovery is about; where nothing is to be done there, for what is damaged besides, with nothing of what was said of the own ones. */
export async function planWhereDamaged(
  work: PlanWork,
  scope: Scope,
  found: DamageReport,
  said: { readonly incident: KnownIncident; readonly wish: KnownWish; readonly isWished: boolean },
): Promise<AimedPlan> {
  const { incident, wish, isWished } = said;
  const others = insteadOfOwn(scope, found, incident, isWished);
  const { lossType, ...known } = incident;
  let reasons: readonly string[] = [];
  if (others.length === 0 || lossType !== undefined) {
    const own = await planFor(work, { sources: scope.own, incident }, found, wish);
    if (others.length === 0 || own.made.plan !== undefined) return own;
    reasons = own.made.chosen.reasons;
  }
  const planned = await planFor(work, { sources: others, incident: known }, found, { wish: {} });
  const elsewhere = { own: scope.own, reasons, ...(lossType === undefined ? {} : { lossType }) };
  return { ...planned, elsewhere };
}

export async function planFor(
  { surroundings, context, mode }: PlanWork,
  aim: Aim,
  found: DamageReport,
  wish: KnownWish,
): Promise<AimedPlan> {
  const report = reportOf(found, aim.sources);
  const made = await makePlan({ surroundings, context, ...aim }, report, wish, mode);
  return { aim, report, made };
}
