import { parseTimeSpan, pickNamed } from '../../config/index.ts';
import { ExitCode, LifeboatError } from '../../core/index.ts';
import { incidentsIn } from '../../incidents/index.ts';
import { createPlatforms } from '../../platforms/index.ts';
import { assessDamage, type DamageReport } from '../../recovery/index.ts';
import { defineCommand } from '../command.ts';
import { loadConfigured } from '../configured.ts';
import { attachReport } from '../incident/attach-report.ts';
import { parseMoment } from '../moment.ts';
import { nextCommand } from '../next-command.ts';
import { describeDamage } from '../output/damage-text.ts';
import { recoverySurroundings } from '../recovery-surroundings.ts';

export const assess = defineCommand({
  description: `The damage report: what is lost, since when, what did it, what is still there, and what can be
recovered to at what loss. Tables against the last baseline and against what the log accounts for,
suspects, integrity, sessions, replication; files against the last snapshot, with signs of
encryption; the services against what they were made of at the last backup; the disks and the
kernel of this host. Whatever is out of reach is named, the rest is looked at all the same. Changes
nothing, and ends within two minutes. Exit code 0: nothing found; 3: damage found; 1: nothing could
be looked at.`,
  examples: [
    'assess',
    'assess database --since "2 hours ago"',
    'assess --quick --json',
    'assess --incident current',
  ],
  arguments: [{ name: '[source]', description: 'name of the source; default: all of them' }],
  options: {
    since: {
      flags: '--since <moment>',
      description: 'until when all was well; default: a day before the end of what is known',
    },
    quick: { flags: '--quick', description: 'look at less: done within 40 seconds' },
    within: {
      flags: '--within <span>',
      description: 'how long all of it may take, such as 5m; default: 2m, with --quick 40s',
    },
    incident: {
      flags: '--incident <id>',
      description: 'attach the report to this incident, or to the one that is open: current',
    },
  },
  async run({ arguments: [wanted], options }, context) {
    const since = options.since === undefined ? undefined : parseMoment(options.since, new Date());
    const limitMs = options.within === undefined ? undefined : parseSpan(options.within);
    const configuration = loadConfigured(context);
    const sources =
      wanted === undefined
        ? Object.keys(configuration.sources)
        : [pickNamed('source', configuration.sources, wanted)[0]];
    const { output, signal, environment } = context;
    await using surroundings = recoverySurroundings(context, configuration);
    await using incidents = options.incident === undefined ? undefined : incidentsIn(surroundings);
    // An unknown incident is told before anybody waits.
    const incident = incidents && (await incidents.find(options.incident as string));
    const report = await assessDamage({
      surroundings,
      platforms: createPlatforms({ environment }),
      sources,
      ...(since === undefined ? {} : { since }),
      ...(options.quick ? { isQuick: true } : {}),
      ...(limitMs === undefined ? {} : { limitMs }),
      signal,
      progress: output.progress,
    });
    const next = (source: string, command: string, rest: string) =>
      nextCommand(context, { configuration, source: { name: source } })(command, rest);
    output.report({ type: 'damage-report', ...report }, (style) =>
      describeDamage(report, next, style),
    );
    if (incidents && incident) {
      await attachReport(incidents, incident.id, report);
      output.report({ type: 'attached', incident: incident.id }, ({ dim }) =>
        dim(`
  attached to incident ${incident.id}`),
      );
    }
    return exitCodeOf(report);
  },
});

function exitCodeOf({ verdict, isInterrupted }: DamageReport): number {
  if (isInterrupted) return ExitCode.cancelled;
  const codes = {
    'damage-found': ExitCode.partlyDone,
    'nothing-found': ExitCode.ok,
    'not-looked': ExitCode.failed,
  };
  return codes[verdict];
}

function parseSpan(text: string): number {
  const ms = parseTimeSpan(text);
  if (ms !== undefined && ms > 0) return ms;
  throw new LifeboatError('usage.invalid', `not a span of time: ${JSON.stringify(text)}`, {
    hint: 'Such as 90s or 5m.',
  });
}
