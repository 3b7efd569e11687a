import { resolve } from 'node:path';
import { ExitCode, LifeboatError } from '../../core/index.ts';
import { incidentsIn } from '../../incidents/index.ts';
import { type Plan, type Surroundings, storePlan } from '../../recovery/index.ts';
import { defineCommand, sourceArgument } from '../command.ts';
import { loadConfigured } from '../configured.ts';
import {
  incidentWishOptions,
  isRecent,
  type KnownIncident,
  knownOf,
  wishedOf,
} from '../incident/known-incident.ts';
import { nextCommand, programName } from '../next-command.ts';
import { describeFindings, describePlan, describeRefusal } from '../output/plan-text.ts';
import { wishOf, wishOptions } from '../plan-wish.ts';
import { lookAtDamage } from '../recover/make-plan.ts';
import { planWhereDamaged } from '../recover/plan-where-damaged.ts';
import { nothingAnswers, requireUsable } from '../recover/require-usable.ts';
import { damagedBesides, isAnythingWished, scopeOf } from '../recover/scope.ts';
import { tellBesides, tellElsewhere } from '../recover/tell-scope.ts';
import { recoverySurroundings } from '../recovery-surroundings.ts';
import { writeNewFile } from '../setup/new-file.ts';

export const planCommand = defineCommand({
  description: `Looks at the damage, chooses the way to recover by the decision matrix, and prints every step of it:
what, where, by which command, how long it took before, how it is undone, who must allow it. Beside it
stand the other ways with their time and loss, and what is missing. Times come from what was measured
here (proofs, backups, rescues), never from guesses. Nothing is changed.
Exit code 1 when the plan cannot be carried out as it is; the reasons are named.`,
  examples: [
    'plan',
    'plan database --before-xid 784',
    'plan --at "2026-11-21 14:29 UTC" --type failed-migration',
    'plan database --at 14:29 --tables public.orders --method table-from-the-past',
    'plan --type malicious --at "2026-11-20 03:00 UTC"',
    'plan --incident current --out plan.json',
  ],
  arguments: [
    {
      ...sourceArgument,
      description: 'name of the source; left out: every source, and what is damaged is planned for',
    },
  ],
  options: {
    ...wishOptions,
    ...incidentWishOptions,
    drill: { flags: '--drill', description: 'a rehearsal: the same steps on isolated ground' },
    quick: { flags: '--quick', description: 'look at the damage with smaller limits' },
    keep: { flags: '--keep', description: 'keep the plan on this host and in the repositories' },
    out: { flags: '--out <file>', description: 'write the plan as JSON to a new file' },
  },
  async run({ arguments: [wanted], options }, context) {
    const { output, environment, folder } = context;
    const configuration = loadConfigured(context);
    await using surroundings = recoverySurroundings(context, configuration);
    const incident = await incidentOf(options, wanted, surroundings);
    const scope = scopeOf(wanted, incident, options.incident !== undefined, surroundings);
    const wish = await wishOf(options, scope.own, surroundings, context);

    // 1. What happened, and what there is to recover with.
    const looked = { surroundings, context, sources: scope.looked };
    const found = await lookAtDamage(looked, options.quick);

    // 2. The way.
    const work = { surroundings, context, mode: options.drill ? 'drill' : 'live' } as const;
    const isWished = isAnythingWished(options);
    const planned = await planWhereDamaged(work, scope, found, { incident, wish, isWished });
    const { made } = planned;
    const { sources } = planned.aim;
    tellElsewhere(planned, surroundings, context);
    tellBesides(damagedBesides(sources, found), surroundings, context);
    if (made.plan === undefined) {
      const { chosen } = made;
      output.report({ type: 'plan-refused', sources, ...chosen }, (style) =>
        describeRefusal(chosen, style),
      );
      throw nothingAnswers(chosen);
    }
    const { plan, findings } = made;

    // 3. What a person has to know of it.
    output.report({ type: 'plan', ...plan }, (style) => describePlan(plan, style));
    for (const finding of findings) output.report({ type: 'plan-finding', ...finding });
    output.say((style) => describeFindings(findings, style));
    if (options.out !== undefined) await writePlan(plan, resolve(folder, options.out));
    if (options.keep) {
      const { stored, problems } = await storePlan(plan, surroundings);
      output.report({ type: 'plan-kept', id: plan.id, stored, problems });
      for (const [name, problem] of Object.entries(problems)) {
        output.warn(`the plan is not in the repository ${name}: ${problem}`);
      }
    }
    requireUsable(findings);
    output.say(({ dim }) => {
      const next = nextCommand(context, { configuration, source: { name: sources[0] ?? '' } });
      const check =
        sources.length === 1 ? next('plan', '--json') : `${programName(environment)} plan --json`;
      const carryOut = `${programName(environment)} recover ${options.keep ? plan.id : sources.length === 1 ? sources[0] : ''}`;
      const hint = options.drill ? '' : ` To carry it out: ${carryOut.trim()}.`;
      return dim(`\n  Nothing was changed.${hint} As JSON: ${check}`);
    });
    return ExitCode.ok;
  },
});

/** What is known of the incident; what the options say stands above it. Without an incident the plan has none. */
async function incidentOf(
  options: {
    readonly incident: string | undefined;
    readonly type: string | undefined;
    readonly severity: string | undefined;
  },
  wanted: string | undefined,
  surroundings: Surroundings,
): Promise<KnownIncident> {
  const wished = wishedOf(options);
  await using incidents = incidentsIn(surroundings);
  if (options.incident === undefined) {
    const [only, other] = (await incidents.list({ onlyOpen: true })).filter(isRecent);
    if (only === undefined || other !== undefined) return { id: 'none', sources: [], ...wished };
    return { ...knownOf(only, wanted), ...wished };
  }
  return { ...knownOf(await incidents.find(options.incident), wanted), ...wished };
}

async function writePlan(plan: Plan, path: string): Promise<void> {
  if (await writeNewFile(path, `${JSON.stringify(plan, null, 2)}\n`)) return;
  throw new LifeboatError('usage.invalid', `${path} exists already`, {
    hint: 'Name a new file: an older plan may still be somebody’s.',
  });
}
