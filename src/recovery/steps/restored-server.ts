import { LifeboatError } from '../../core/index.ts';
import { type InspectRestored, inspectFolder } from '../../sources/index.ts';
import { parseLsn } from '../../wal/index.ts';
import type { StepContext } from './step-kind.ts';
import { postgresSource } from './step-source.ts';

/** Lets somebody work with a private server on what the step `of` restored. Errors: `run.failed`: it left nothing; those of servers. */
export async function withRestored(
  { source: name, of }: { readonly source: string; readonly of: string },
  context: StepContext,
  work: InspectRestored,
): Promise<void> {
  const { surroundings, signal, progress } = context;
  const source = await postgresSource(name, 'protect', context);
  const repository = await surroundings.repositoryOf(name);
  const { folder, reached, baseTimeline, snapshot } = leftBy(name, of, context);
  await inspectFolder({
    ...(await source.recovery({ repository, target: { kind: 'latest' }, signal })),
    folder,
    snapshot,
    reachedLsn: parseLsn(reached),
    timeline: baseTimeline,
    progress,
    inspect: work,
  });
}

interface Left {
  readonly folder: string;
  readonly reached: string;
  readonly baseTimeline: number;
  readonly snapshot: string;
}

function leftBy(source: string, of: string, { outcomes }: StepContext): Left {
  const result = outcomes[of]?.result;
  if (typeof result?.folder === 'string' && typeof result.reached === 'string') {
    return result as unknown as Left;
  }
  throw new LifeboatError('run.failed', `the step ${of} left no restored ${source} to work with`, {
    hint: 'Do that step first; it was skipped or undone.',
  });
}
