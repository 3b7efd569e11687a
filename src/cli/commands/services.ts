import { pickNamed, type ServiceSetting } from '../../config/index.ts';
import { ExitCode, LifeboatError } from '../../core/index.ts';
import { createPlatforms, type Platform } from '../../platforms/index.ts';
import {
  type CheckSurroundings,
  compareWithUsual,
  runApplicationCheck,
} from '../../recovery/index.ts';
import { checkSurroundings } from '../check-surroundings.ts';
import { type CommandContext, defineCommand } from '../command.ts';
import { loadConfigured } from '../configured.ts';
import { describePerformance } from '../output/performance-text.ts';
import { describeService, type SeenService } from '../output/service-state-text.ts';
import { recoverySurroundings } from '../recovery-surroundings.ts';

/** How long it may take to measure all of them. */
const measureMs = 15_000;

export const services = defineCommand({
  description: `Shows the services of the configuration: where each one is, whether it runs, and whether its health
check holds. --check asks all of its checks, which is what a recovery asks before it counts as done.
--compare measures how fast they answer, what they use and how long statements of the server take,
and names what is slower than the last backups recorded: no failure. Changes nothing. Exit code 1 when one does not run or a check does not hold.`,
  examples: [
    'services',
    'services --check',
    'services api --compare',
    'services api --check --json',
  ],
  arguments: [{ name: '[service]', description: 'name of the service; default: all of them' }],
  options: {
    check: { flags: '--check', description: 'ask all checks, not only that of its health' },
    compare: { flags: '--compare', description: 'what is slower than the last backups recorded' },
  },
  async run({ arguments: [wanted], options }, context) {
    const { output, signal, environment } = context;
    const chosen = choose(wanted, context);
    const platforms = createPlatforms({ environment });
    const surroundings = checkSurroundings(context);
    let isWell = true;
    for (const service of chosen) {
      const platform = platforms.of(service);
      const seen = await look({ service, platform, surroundings, all: options.check, signal });
      const results = [...(seen.health ? [seen.health] : []), ...seen.checks];
      isWell &&= seen.status === 'running' && results.every(({ verdict }) => verdict === 'passed');
      output.report({ type: 'service', ...seen }, (style) => describeService(seen, style));
    }
    if (options.compare) await compare(chosen, context);
    return isWell ? ExitCode.ok : ExitCode.failed;
  },
});

function choose(wanted: string | undefined, context: CommandContext): readonly ServiceSetting[] {
  const all = loadConfigured(context).services;
  if (all.length === 0) {
    throw new LifeboatError('usage.invalid', 'the configuration names no service', {
      hint: 'Name the programs that write to your sources under `services:`; docs/guide/configuration.md shows how.',
    });
  }
  if (wanted === undefined) return all;
  const named = Object.fromEntries(all.map((each) => [each.name, each]));
  return [pickNamed('service', named, wanted)[1]];
}

async function compare(
  services: readonly ServiceSetting[],
  context: CommandContext,
): Promise<void> {
  const { environment, signal } = context;
  const platforms = createPlatforms({ environment });
  await using surroundings = recoverySurroundings(context, loadConfigured(context));
  const comparison = await compareWithUsual({
    services,
    platformOf: (service) => platforms.of(service),
    sources: [...new Set(services.flatMap(({ writes = [] }) => writes))],
    source: (name) => surroundings.source(name, 'look'),
    repositoryOf: (name) => surroundings.repositoryOf(name),
    checks: checkSurroundings(context),
    limitMs: measureMs,
    signal,
  });
  const { backups, slower, missing } = comparison;
  context.output.report({ type: 'performance', backups, slower, missing }, (style) =>
    describePerformance(comparison, style),
  );
}

interface Look {
  readonly service: ServiceSetting;
  readonly platform: Platform;
  readonly surroundings: CheckSurroundings;
  readonly all: boolean | undefined;
  readonly signal: AbortSignal;
}

async function look({ service, platform, surroundings, all, signal }: Look): Promise<SeenService> {
  const { name, writes = [], health, checks = [] } = service;
  const place = await platform.identify({ signal });
  const { status, text } = await platform.inspect(service, { signal });
  const ask = (check: NonNullable<typeof health>) =>
    runApplicationCheck(check, surroundings, signal);
  const results = [];
  for (const check of all ? checks : []) results.push(await ask(check));
  return {
    name,
    platform: service.platform,
    place: place.text,
    status,
    text,
    writes,
    ...(health === undefined ? {} : { health: await ask(health) }),
    checks: results,
  };
}
