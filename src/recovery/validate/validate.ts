import { type Progress, silentProgress, throwIfAborted } from '../../core/index.ts';
import type {
  Check,
  CheckPlan,
  CheckResult,
  CheckUnit,
  NotChecked,
  Problem,
  UnitOutcome,
} from './check.ts';
import { allChecks } from './checks.ts';
import { Desk } from './desk.ts';
import { outcomeOfError } from './error-outcome.ts';
import type { Place } from './place.ts';

/** Units of one check that are worked on at once, each on a connection of its own. */
const parallel = 2;
/** Thousands of small things would say more than anybody reads. */
const tellingMs = 50;
const listedProblems = 100;
const listedAlike = 5;

export interface Validation {
  readonly verdict: 'passed' | 'failed';
  readonly checks: readonly CheckResult[];
}

/**
 * Runs every check on a server. What is wrong is in the result, never thrown; what could not be looked at is named. Errors:
 * `cancelled`.
 */
export async function validate(options: {
  readonly place: Place;
  /** Default: all. */
  readonly checks?: readonly Check[];
  readonly signal?: AbortSignal;
  readonly progress?: Progress;
}): Promise<Validation> {
  const { place, signal } = options;
  const all = options.checks ?? allChecks;
  const checks = all.filter(({ isForCopies }) => place.kind === 'copy' || !isForCopies);
  const progress = options.progress ?? silentProgress;
  const task = 'validate';
  progress({ type: 'begin', task, title: 'checking the data' });
  await using desks = new AsyncDisposableStack();
  const count = place.kind === 'live' ? 1 : parallel;
  const own = Array.from({ length: count }, () => desks.use(new Desk(place, signal)));
  try {
    const plans: CheckPlan[] = [];
    for (const check of checks) plans.push(await planOf(check, place, own[0] as Desk));
    const total = plans.flatMap(({ units }) => units).reduce((sum, { bytes }) => sum + bytes, 0);
    const meter = { done: 0, total };
    let toldMs = Number.NEGATIVE_INFINITY;
    const results: CheckResult[] = [];
    for (const [at, check] of checks.entries()) {
      const begun = performance.now();
      const work = {
        plan: plans[at] as CheckPlan,
        desks: own,
        onUnit: (unit: CheckUnit) => {
          meter.done += unit.bytes;
          if (performance.now() < toldMs + tellingMs) return;
          toldMs = performance.now();
          const detail = `${check.name}: ${unit.object}`;
          progress({ type: 'progress', task, ...meter, unit: 'bytes', detail });
        },
      };
      const found = await runUnits(work);
      results.push(resultOf(check, work.plan, found, Math.round(performance.now() - begun)));
    }
    const failed = results.some(({ verdict }) => verdict === 'failed');
    return { verdict: failed ? 'failed' : 'passed', checks: results };
  } finally {
    progress({ type: 'end', task });
  }
}

/** A check that cannot even be planned is one unit that fails. */
async function planOf(check: Check, place: Place, desk: Desk): Promise<CheckPlan> {
  try {
    return await check.plan(place, desk);
  } catch (error) {
    const outcome = await outcomeOf(error, desk);
    const unit = { object: 'what is to be checked', bytes: 0, run: async () => outcome };
    return { units: [unit], notChecked: [] };
  }
}

type Found = readonly { readonly unit: CheckUnit; readonly outcome: UnitOutcome }[];

async function runUnits(work: {
  readonly plan: CheckPlan;
  readonly desks: readonly Desk[];
  readonly onUnit: (unit: CheckUnit) => void;
}): Promise<Found> {
  const found: { unit: CheckUnit; outcome: UnitOutcome }[] = [];
  const waiting = [...work.plan.units];
  const takeAll = async (desk: Desk) => {
    for (let unit = waiting.shift(); unit !== undefined; unit = waiting.shift()) {
      throwIfAborted(desk.signal);
      if (!unit.keepsPace) await desk.place.pace?.(unit.bytes);
      found.push({ unit, outcome: await runUnit(unit, desk) });
      work.onUnit(unit);
    }
  };
  await Promise.all(work.desks.map(takeAll));
  return found;
}

async function runUnit(unit: CheckUnit, desk: Desk): Promise<UnitOutcome> {
  try {
    return await unit.run(desk);
  } catch (error) {
    return await outcomeOf(error, desk);
  }
}

/** Afterwards the connection may be in any state. */
async function outcomeOf(thrown: unknown, desk: Desk): Promise<UnitOutcome> {
  throwIfAborted(desk.signal);
  await desk.leave();
  return outcomeOfError(thrown, desk.place);
}

function resultOf(check: Check, plan: CheckPlan, found: Found, durationMs: number): CheckResult {
  const problems: Problem[] = found.flatMap(({ unit: { object }, outcome }) =>
    outcome.problems.map((problem) => ({ object, problem })),
  );
  const notChecked: NotChecked[] = [...plan.notChecked];
  const values: Record<string, number> = {};
  for (const { unit, outcome } of found) {
    if (outcome.notChecked !== undefined) {
      notChecked.push({ what: unit.object, why: outcome.notChecked });
    }
    if (outcome.value !== undefined) values[unit.object] = outcome.value;
  }
  const damaged = found.flatMap(({ unit: { object }, outcome }) =>
    outcome.damaged ? [{ object, ...outcome.damaged }] : [],
  );
  const seen = found.filter(
    ({ outcome }) => outcome.notChecked === undefined || outcome.problems.length > 0,
  );
  const [one, many] = check.objects;
  const verdict =
    problems.length > 0
      ? 'failed'
      : seen.length > 0 || notChecked.length === 0
        ? 'passed'
        : 'not-checked';
  return {
    check: check.name,
    title: check.title,
    verdict,
    looked: `${seen.length} ${seen.length === 1 ? one : many}`,
    objects: seen.length,
    bytes: seen.reduce((sum, { unit }) => sum + unit.bytes, 0),
    durationMs,
    problems: problems.slice(0, listedProblems),
    ...(problems.length > listedProblems ? { moreProblems: problems.length - listedProblems } : {}),
    notChecked: together(notChecked),
    ...(damaged.length > 0 ? { damaged: damaged.slice(0, listedProblems) } : {}),
    ...(Object.keys(values).length > 0 ? { values } : {}),
  };
}

/** Many of one kind are told as one. */
function together(all: readonly NotChecked[]): readonly NotChecked[] {
  const byReason = Map.groupBy(all, ({ why }) => why);
  return [...byReason].flatMap(([why, alike]) => {
    if (alike.length <= listedAlike) return alike;
    const named = alike.slice(0, listedAlike).map(({ what }) => what);
    return [{ what: `${named.join(', ')} and ${alike.length - named.length} more`, why }];
  });
}
