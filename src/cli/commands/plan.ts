import { resolve } from 'node:path';
import type { LossType, Severity } from '../../config/index.ts';
import { pickNamed } from '../../config/index.ts';
import { ExitCode, LifeboatError } from '../../core/index.ts';
import {
  incidentsIn,
  lossTypeNames,
  parseLossType,
  parseSeverity,
  severityNames,
} from '../../incidents/index.ts';
import { createPlatforms } from '../../platforms/index.ts';
import {
  assessDamage,
  buildPlan,
  checkPlan,
  chooseMethod,
  createGround,
  defaultGrounds,
  gatherFacts,
  type IncidentFacts,
  knownStepKinds,
  type Plan,
  type PlanFinding,
  type Surroundings,
  storePlan,
} from '../../recovery/index.ts';
import { defineCommand, sourceArgument } from '../command.ts';
import { loadConfigured } from '../configured.ts';
import { nextCommand, programName } from '../next-command.ts';
import { countOf } from '../output/count.ts';
import { describeFindings, describePlan, describeRefusal } from '../output/plan-text.ts';
import { wishOf, wishOptions } from '../plan-wish.ts';
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
    type: {
      flags: '--type <type>',
      description: `what happened: ${lossTypeNames.join(', ')}; default: as the incident says, else as it looks`,
    },
    severity: {
      flags: '--severity <severity>',
      description: `how bad it is: ${severityNames.join(', ')}; default: as the incident says`,
    },
    incident: {
      flags: '--incident <id>',
      description: 'of which incident; default: the one that is open, if it is only one',
    },
    drill: { flags: '--drill', description: 'a rehearsal: the same steps on isolated ground' },
    quick: { flags: '--quick', description: 'look at the damage with smaller limits' },
    keep: { flags: '--keep', description: 'keep the plan on this host and in the repositories' },
    out: { flags: '--out <file>', description: 'write the plan as JSON to a new file' },
  },
  async run({ arguments: [wanted], options }, context) {
    const { output, signal, environment, folder } = context;
    const configuration = loadConfigured(context);
    await using surroundings = recoverySurroundings(context, configuration);
    const incident = await incidentOf(options, surroundings);
    const sources = sourcesOf(wanted, incident, surroundings);
    const { wish, named } = await wishOf(options, sources, surroundings, context);
    const watched = { signal, progress: output.progress };

    // 1. What happened, and what there is to recover with.
    const platforms = createPlatforms({ environment });
    const report = await assessDamage({
      surroundings,
      platforms,
      sources,
      ...(options.quick ? { isQuick: true } : {}),
      ...watched,
    });
    const { sources: _, ...known } = incident;
    const { facts, places, seen } = await gatherFacts({
      surroundings,
      platforms,
      report,
      incident: known,
      wish,
      ...(named ? { named } : {}),
      makeGround: (setting) => createGround(setting, surroundings),
      defaultGround: async (source) => (await defaultGrounds(source))[0]?.ground,
      ...watched,
    });

    // 2. The way.
    const chosen = chooseMethod(facts);
    const { method } = chosen;
    if (method === undefined) {
      output.report({ type: 'plan-refused', sources, ...chosen }, (style) =>
        describeRefusal(chosen, style),
      );
      throw new LifeboatError('plan.refused', 'nothing that is known answers what was found', {
        hint: 'The reasons above say what is missing. Say what happened with --type, when with --at or --before-xid, or which way with --method.',
        context: { reasons: [...chosen.reasons] },
      });
    }
    const mode = options.drill ? 'drill' : 'live';
    const plan = buildPlan({
      facts,
      configuration,
      chosen: { ...chosen, method },
      mode,
      places,
      seen,
    });
    const kinds = await knownStepKinds();
    const findings = await checkPlan({ plan, facts, surroundings, kinds, signal });

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
      return dim(`\n  Nothing was changed. As JSON: ${check}`);
    });
    return ExitCode.ok;
  },
});

type KnownIncident = Omit<IncidentFacts, 'isGuess'> & { readonly sources: readonly string[] };

/** What is known of the incident; what the options say stands above it. Without an incident the plan has none. */
async function incidentOf(
  options: {
    readonly incident: string | undefined;
    readonly type: string | undefined;
    readonly severity: string | undefined;
  },
  surroundings: Surroundings,
): Promise<KnownIncident> {
  const wished = {
    ...(options.type === undefined ? {} : { lossType: requireLossType(options.type) }),
    ...(options.severity === undefined ? {} : { severity: requireSeverity(options.severity) }),
  };
  await using incidents = incidentsIn(surroundings);
  if (options.incident === undefined) {
    const open = await incidents.list({ onlyOpen: true });
    const [only] = open;
    if (only === undefined || open.length > 1) return { id: 'none', sources: [], ...wished };
    return { ...factsOf(only), ...wished };
  }
  return { ...factsOf(await incidents.find(options.incident)), ...wished };
}

function factsOf(incident: {
  readonly id: string;
  readonly severity: Severity;
  readonly lossType?: LossType;
  readonly sources: readonly string[];
}): KnownIncident {
  const { id, severity, lossType, sources } = incident;
  return { id, severity, sources, ...(lossType === undefined ? {} : { lossType }) };
}

function requireLossType(text: string): LossType {
  const type = parseLossType(text);
  if (type !== undefined) return type;
  throw new LifeboatError('usage.invalid', `there is no loss type ${JSON.stringify(text)}`, {
    hint: `It is one of ${lossTypeNames.join(', ')}.`,
  });
}

function requireSeverity(text: string): Severity {
  const severity = parseSeverity(text);
  if (severity !== undefined) return severity;
  throw new LifeboatError('usage.invalid', `there is no severity ${JSON.stringify(text)}`, {
    hint: `It is one of ${severityNames.join(', ')}.`,
  });
}

/** The one that is named, else those of the incident, else all. */
function sourcesOf(
  wanted: string | undefined,
  incident: KnownIncident,
  { configuration }: Surroundings,
): readonly string[] {
  if (wanted !== undefined) return [pickNamed('source', configuration.sources, wanted)[0]];
  const known = incident.sources.filter((name) => Object.hasOwn(configuration.sources, name));
  return known.length > 0 ? known : Object.keys(configuration.sources);
}

async function writePlan(plan: Plan, path: string): Promise<void> {
  if (await writeNewFile(path, `${JSON.stringify(plan, null, 2)}\n`)) return;
  throw new LifeboatError('usage.invalid', `${path} exists already`, {
    hint: 'Name a new file: an older plan may still be somebody’s.',
  });
}

function requireUsable(findings: readonly PlanFinding[]): void {
  const problems = findings.filter(({ outcome }) => outcome === 'problem');
  if (problems.length === 0) return;
  throw new LifeboatError(
    'plan.refused',
    `the plan cannot be carried out as it is: ${countOf(problems.length, 'problem')}`,
    {
      hint: 'Put right what is named above, and make a new plan.',
      context: { problems: problems.map(({ fact }) => fact) },
    },
  );
}
