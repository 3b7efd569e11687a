import { type Configuration, holdsFiles } from '../../../config/index.ts';
import { isLifeboatError } from '../../../core/index.ts';
import { findClientPrograms, findServerPrograms } from '../../../sources/index.ts';
import type { PlanFacts, SourceFacts } from '../facts.ts';
import type { Plan } from '../plan.ts';
import { ok, type PlanFinding, problem } from './plan-finding.ts';

const ownServer = ['restore', 'extract', 'rescue-rows', 'prove'];

/** Programs of the major version that the snapshots are of: to open restored data, and to carry tables over. */
export async function checkPrograms(
  plan: Plan,
  facts: PlanFacts,
  configuration: Configuration,
): Promise<readonly PlanFinding[]> {
  const found: PlanFinding[] = [];
  for (const source of facts.sources) {
    const kinds = plan.steps
      .filter(({ input }) => input.source === source.name)
      .map(({ kind }) => kind);
    const major = majorOf(source);
    if (holdsFiles(source.kind) || major === undefined) continue;
    const folder = programsOf(configuration, source.name);
    const options = folder === undefined ? {} : { configuredFolder: folder };
    if (kinds.some((kind) => ownServer.includes(kind))) {
      found.push(
        await tried(source.name, `server programs of PostgreSQL ${major}`, () =>
          findServerPrograms(major, options),
        ),
      );
    }
    const isLogical = source.ground?.kind === 'server' && kinds.includes('deliver');
    if (kinds.includes('extract') || isLogical) {
      found.push(
        await tried(source.name, `pg_dump and pg_restore of PostgreSQL ${major}`, () =>
          findClientPrograms(major, options),
        ),
      );
    }
  }
  return found;
}

async function tried(
  source: string,
  what: string,
  find: () => Promise<{ readonly version: string }>,
): Promise<PlanFinding> {
  try {
    const { version } = await find();
    return ok('programs', `${source}: ${what} (${version})`);
  } catch (error) {
    if (!isLifeboatError(error)) throw error;
    return problem('programs', `${source}: ${error.message}`, error.hint ?? `Install the ${what}.`);
  }
}

function majorOf({ snapshots: [newest] }: SourceFacts): number | undefined {
  return newest?.serverVersion === undefined
    ? undefined
    : Math.floor(newest.serverVersion / 10_000);
}

function programsOf({ sources }: Configuration, name: string): string | undefined {
  const setting = sources[name];
  return setting !== undefined && 'programs' in setting ? setting.programs : undefined;
}
