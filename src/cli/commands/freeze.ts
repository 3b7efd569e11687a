import { hostname } from 'node:os';
import { type Configuration, environmentOf, pickNamed, type Severity } from '../../config/index.ts';
import { ExitCode, LifeboatError } from '../../core/index.ts';
import { parseSeverity, severityNames } from '../../incidents/index.ts';
import { createPlatforms } from '../../platforms/index.ts';
import { freeze as freezeSources, judgeFreeze, lookAtFreeze } from '../../recovery/index.ts';
import { defineCommand } from '../command.ts';
import { loadConfigured } from '../configured.ts';
import { confirmTarget } from '../confirm.ts';
import { incidentTell } from '../incident-tell.ts';
import { describeFreeze, describeFreezeLook } from '../output/freeze-text.ts';
import { recoverySurroundings } from '../recovery-surroundings.ts';

export const freeze = defineCommand({
  description: `Stops everybody who writes: shows the maintenance page, stops the services that write to the sources
and those that need them, makes each database read-only, refuses connections but those of Lifeboat,
ends other sessions. Replication, backups and the stream of Lifeboat go on. What is there now is
written down before the first change, here and in the repositories: \`lifeboat thaw\` puts exactly
that back, also after a crash. Shows where commands go to and asks for the name of the installation.
A second freeze changes nothing. Without names: every source in production. What is done enters the
incidents that are open.
Exit code 3: something can still write; it is named, with what to do.`,
  examples: [
    'freeze',
    'freeze database --dry-run',
    'freeze database uploads --yes shop-production',
  ],
  arguments: [
    { name: '[sources...]', description: 'what is frozen; default: every source in production' },
  ],
  options: {
    severity: {
      flags: '--severity <severity>',
      description:
        'P0 to P3: which sources an incident of that severity freezes, instead of naming them',
    },
    withoutPage: { flags: '--without-page', description: 'show no maintenance page' },
    dryRun: { flags: '--dry-run', description: 'only show what would be done, and where' },
    yes: { flags: '--yes <name>', description: 'name of the installation, instead of typing it' },
  },
  async run({ arguments: given, options }, context) {
    const configuration = loadConfigured(context);
    const sources = chooseSources(configuration, given, options.severity);
    const { output, signal, environment } = context;
    await using surroundings = recoverySurroundings(context, configuration);
    await using incident = incidentTell(surroundings);
    const request = {
      surroundings,
      platforms: createPlatforms({ environment }),
      sources,
      maintenance: !options.withoutPage,
      tell: incident.tell,
      progress: output.progress,
      signal,
    };
    const look = await lookAtFreeze(request);
    const { record, places, notes, gaps } = look;
    const items = record.items.map(({ name, kind, intent, state }) => ({
      name,
      kind,
      intent,
      state,
    }));
    const plan = { installation: configuration.name, host: hostname(), sources, places, items };
    output.report({ type: 'freeze-plan', freeze: record.id, ...plan, notes, gaps }, (style) =>
      describeFreezeLook(look, sources, hostname(), style),
    );
    if (options.dryRun) return ExitCode.ok;
    await confirmTarget(context, {
      what: 'installation',
      name: configuration.name,
      yes: options.yes,
    });
    const outcome = await freezeSources({ ...request, expected: places });
    const { record: done, ...rest } = outcome;
    const about = { freeze: done.id, sources: done.sources, phase: done.phase, items: done.items };
    output.report(
      { type: 'freeze', ...about, ...rest, isComplete: rest.gaps.length === 0 },
      (style) => describeFreeze(outcome, style),
    );
    if (outcome.gaps.length === 0) return ExitCode.ok;
    const [first] = outcome.gaps;
    throw new LifeboatError(
      'freeze.incomplete',
      `the freeze is not complete: ${first?.what}${outcome.gaps.length > 1 ? `, and ${outcome.gaps.length - 1} more` : ''}`,
      { hint: 'What was frozen is. Do what is named above, then freeze again: it only adds.' },
    );
  },
});

function chooseSources(
  configuration: Configuration,
  given: readonly (string | undefined)[],
  severity: string | undefined,
): readonly string[] {
  const named = given.filter((each) => each !== undefined);
  for (const name of named) pickNamed('source', configuration.sources, name);
  if (named.length > 0) return named;
  const all = Object.keys(configuration.sources);
  const sources = all.filter((name) => {
    const environment = environmentOf(configuration, name);
    if (severity === undefined) return environment === 'production';
    return judgeFreeze({ environment, severity: severityOf(severity) }).isFrozen;
  });
  if (sources.length > 0) return sources;
  const fact = severity === undefined ? 'no source is in production' : `a ${severity} freezes none`;
  throw new LifeboatError('usage.invalid', fact, {
    hint: 'Name what is to be frozen: lifeboat freeze SOURCE.',
  });
}

function severityOf(text: string): Severity {
  const severity = parseSeverity(text);
  if (severity !== undefined) return severity;
  throw new LifeboatError('usage.invalid', `not a severity: ${JSON.stringify(text)}`, {
    hint: `One of ${severityNames.join(', ')}, or SEV1 to SEV4.`,
  });
}
