import type { Platforms } from '../../../platforms/index.ts';
import type { Repository } from '../../../repository/index.ts';
import type { AnySource, PostgresSource } from '../../../sources/index.ts';
import type { Surroundings } from '../../surroundings.ts';
import type { Part } from './part.ts';
import type { PartLimits } from './part-limits.ts';
import type { PartRunner } from './part-runner.ts';

/** What every part of one assessment shares. */
export interface Assessment {
  readonly surroundings: Surroundings;
  readonly platforms: Platforms;
  readonly runner: PartRunner;
  readonly limits: PartLimits;
  readonly now: Date;
  /** Asked for. */
  readonly since: Date | undefined;
  readonly isQuick: boolean;
  /** Of sources: opened once each. */
  readonly repositories: Map<string, Promise<Part<Repository>>>;
}

const dayMs = 86_400_000;

/** Without a wish a day back from a moment: the end of what is known. */
export function sinceOf({ since }: Pick<Assessment, 'since'>, end: Date): Date {
  return since ?? new Date(end.getTime() - dayMs);
}

/** A password may have to be typed. */
const passwordMs = 60_000;

/** A source with its password, for those who talk to its server. */
export async function passwordOf<Source extends AnySource = PostgresSource>(
  { surroundings, runner }: Assessment,
  source: string,
): Promise<Part<Source>> {
  return await runner.run(
    `${source}: its password`,
    passwordMs,
    async () => (await surroundings.source(source, 'protect')) as Source,
  );
}

/**
 * The repository of a source; where that does not open, a copy of it, and the part says so. A copy may be behind, but it is there.
 */
export function openRepositoryOf(
  assessment: Assessment,
  source: string,
): Promise<Part<Repository>> {
  const { repositories } = assessment;
  const opening = repositories.get(source) ?? openAnyOf(assessment, source);
  repositories.set(source, opening);
  return opening;
}

async function openAnyOf(
  { surroundings, runner, limits }: Assessment,
  source: string,
): Promise<Part<Repository>> {
  const { repositories, sources } = surroundings.configuration;
  const own = sources[source]?.repository;
  return await runner.run(`${source}: its repository`, limits.repositoryMs, async (part) => {
    try {
      return await surroundings.repositoryOf(source);
    } catch (error) {
      const copies = Object.entries(repositories).filter(([, { copyFrom }]) => copyFrom === own);
      for (const [name] of copies) {
        try {
          const copy = await surroundings.repository(name);
          const { message } = error as Error;
          part.gaps.push(
            `${own ?? 'its repository'} (${message}): its copy ${name} was asked instead`,
          );
          return copy;
        } catch {
          // The error of the repository itself says most.
        }
      }
      throw error;
    }
  });
}
