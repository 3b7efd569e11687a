import { isAbsolute } from 'node:path';
import { type Configuration, pickNamed } from '../../config/index.ts';
import { ExitCode, isLifeboatError } from '../../core/index.ts';
import type { Repository } from '../../repository/index.ts';
import { type Finding, judgeRoom } from '../../sources/index.ts';
import { type CommandContext, defineCommand, sourceArgument } from '../command.ts';
import { createConfiguredSource, loadConfigured, openConfiguredRepository } from '../configured.ts';
import { examineAbilities } from '../examine-abilities.ts';
import { examineGround } from '../examine-ground.ts';
import { examineObjective } from '../examine-objective.ts';
import { countOf } from '../output/count.ts';
import { describeFinding } from '../output/finding.ts';
import type { Style } from '../output/style.ts';
import { patternOf } from '../setup/choose-files.ts';

const roomBytes = 2 ** 30;

export const doctor = defineCommand({
  description: `Tries everything a backup and a recovery depend on: the repository and its password, the
server, the rights of the role, its settings, the replication slot, server programs for
scratch servers, room on the disks, clocks, the objective of loss (objectives.rpo), where a recovered database
is put. Each finding comes with what to do. Changes
nothing. Exit code 1 when there is a problem; warnings alone are no failure.`,
  examples: ['doctor', 'doctor database --json'],
  arguments: [sourceArgument],
  options: {},
  async run({ arguments: [wanted] }, context) {
    const configuration = loadConfigured(context);
    const names =
      wanted === undefined
        ? Object.keys(configuration.sources)
        : [pickNamed('source', configuration.sources, wanted)[0]];
    const counts = { ok: 0, warning: 0, problem: 0 };
    const tell = (about: string, findings: readonly Finding[]) => {
      context.output.say(({ bold }) => bold(about));
      for (const finding of findings) {
        counts[finding.outcome] += 1;
        context.output.report({ type: 'finding', about, ...finding }, (style) =>
          describeFinding(finding, style),
        );
      }
    };
    for (const name of Object.keys(configuration.repositories)) {
      tell(`repository ${name}`, await examineRepository(context, configuration, name));
    }
    for (const name of names) {
      const source = await createConfiguredSource(context, configuration, name, 'rescue');
      const within = repositoriesWithin(configuration, name);
      await using repository = await repositoryOf(context, configuration, name);
      const { signal } = context;
      const found = await source.doctor({ ...(repository ? { repository } : {}), signal });
      const objective = repository
        ? await examineObjective(context, configuration, { source, repository })
        : [];
      const ground = await examineGround(source, configuration);
      tell(`source ${name}`, [...found, ...within, ...objective, ...ground]);
    }
    context.output.report({ type: 'doctor', ...counts }, (style) => summary(counts, style));
    return counts.problem === 0 ? ExitCode.ok : ExitCode.failed;
  },
});

/** Undefined when it does not open: that was told with the repositories. */
async function repositoryOf(
  context: CommandContext,
  configuration: Configuration,
  source: string,
): Promise<Repository | undefined> {
  try {
    const name = configuration.sources[source]?.repository;
    return await openConfiguredRepository(context, configuration, name);
  } catch (error) {
    if (!isLifeboatError(error) || error.code === 'cancelled' || error.code === 'bug') throw error;
    return undefined;
  }
}

/** A repository that is backed up into itself grows with every backup. */
function repositoriesWithin(configuration: Configuration, name: string): readonly Finding[] {
  const source = configuration.sources[name];
  if (source?.kind !== 'files') return [];
  const excluded = (source.exclude ?? []).map((pattern) => pattern.replace(/\/+$/, ''));
  return Object.entries(configuration.repositories).flatMap(([repository, { location }]) => {
    const path = source.paths.find((each) =>
      `${location}/`.startsWith(each === '/' ? '/' : `${each}/`),
    );
    if (!isAbsolute(location) || path === undefined) return [];
    if (excluded.includes(location) || excluded.includes(patternOf(location))) return [];
    const fact = `the repository ${repository} lies inside ${path}`;
    const remedy = `Leave it out: exclude: ["${location}"].`;
    return [{ check: 'repository inside', outcome: 'warning', fact, remedy } as const];
  });
}

async function examineRepository(
  context: CommandContext,
  configuration: Configuration,
  name: string,
): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  const { location } = configuration.repositories[name] as { location: string };
  if (isAbsolute(location)) {
    findings.push(await judgeRoom('room in the repository', location, roomBytes, 'a repository'));
  }
  try {
    await using repository = await openConfiguredRepository(context, configuration, name);
    const fact = `${repository.location.describe()} opens with its password`;
    findings.push({ check: 'repository', outcome: 'ok', fact, remedy: '' });
    findings.push(...(await examineAbilities(repository.location, context.signal)));
  } catch (error) {
    if (!isLifeboatError(error) || error.code === 'cancelled' || error.code === 'bug') throw error;
    const remedy = error.hint ?? 'Correct the location or the password in the configuration.';
    findings.push({ check: 'repository', outcome: 'problem', fact: error.message, remedy });
  }
  return findings;
}

function summary(
  counts: { warning: number; problem: number },
  { green, yellow, red }: Style,
): string {
  const warnings = counts.warning > 0 ? `, ${countOf(counts.warning, 'warning')}` : '';
  if (counts.problem > 0) {
    return red(
      `\n${countOf(counts.problem, 'problem')}${warnings}: correct ${counts.problem + counts.warning === 1 ? 'it' : 'them'} and run \`lifeboat doctor\` again.`,
    );
  }
  return counts.warning > 0
    ? yellow(`\nNo problems${warnings}.`)
    : green('\nEverything is as it should be.');
}
