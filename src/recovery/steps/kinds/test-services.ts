import { LifeboatError } from '../../../core/index.ts';
import { openScratch, PostgresSource, type RecoveryTarget } from '../../../sources/index.ts';
import { parseLsn } from '../../../wal/index.ts';
import type { RestoredPlace } from '../../validate/application/restored-place.ts';
import { type TestedService, testService } from '../../validate/application/test-service.ts';
import type { StepInputs } from '../step-inputs.ts';
import type { StepContext, StepKind } from '../step-kind.ts';
import { checksOf, serviceNamed } from '../step-services.ts';

type Input = StepInputs['test-services'];

/**
 * Starts services in test mode on what was restored. A service may write while it is tried: a database is opened once more on ground of
 * its own, removed afterwards, and what will be put in place stays as it was validated.
 */
export const testServices: StepKind<Input> = {
  name: 'test-services',

  async probe() {
    return { found: 'not-done' };
  },

  async run(input, context) {
    await using ground = await openGround(input, context);
    const tested: TestedService[] = [];
    for (const name of input.services) {
      const service = serviceNamed(context.surroundings, name);
      const { test } = service;
      if (test === undefined) {
        throw new LifeboatError(
          'plan.refused',
          `services.${name}.test is not configured any more`,
          {
            hint: 'Make a new plan with the configuration as it is now.',
          },
        );
      }
      tested.push(
        await testService({
          service: { ...service, test },
          place: ground.place,
          surroundings: checksOf(context.surroundings),
          signal: context.signal,
          progress: context.progress,
        }),
      );
    }
    const bad = tested.filter(({ holds }) => !holds);
    if (bad.length > 0) throw notUsable(input, bad);
    return {
      text: `${input.services.join(', ')} worked in test mode on the restored ${input.source}`,
      result: {},
      evidence: { tested },
    };
  },
};

interface TestGround extends AsyncDisposable {
  readonly place: RestoredPlace;
}

async function openGround(input: Input, context: StepContext): Promise<TestGround> {
  const { surroundings, outcomes, signal, progress } = context;
  const source = await surroundings.source(input.source, 'look');
  const left = outcomes[input.of]?.result ?? {};
  if (!(source instanceof PostgresSource)) {
    const folder = typeof left.folder === 'string' ? { folder: left.folder } : {};
    return { place: folder, async [Symbol.asyncDispose]() {} };
  }
  const repository = await surroundings.repositoryOf(input.source);
  const target = reachedBy(left);
  const scratch = await openScratch({
    ...(await source.recovery({ repository, target, signal })),
    ...(typeof left.snapshot === 'string' ? { base: left.snapshot } : {}),
    ...(typeof left.followed === 'number' ? { timeline: left.followed } : {}),
    progress,
  });
  const { socketFolder, port } = scratch;
  const { database } = source.settings.connection;
  return {
    place: { host: socketFolder, port, database },
    [Symbol.asyncDispose]: () => scratch[Symbol.asyncDispose](),
  };
}

/** The same position, whatever words it was asked for by. */
function reachedBy({ reached }: Readonly<Record<string, unknown>>): RecoveryTarget {
  if (typeof reached === 'string') return { kind: 'lsn', lsn: parseLsn(reached), inclusive: false };
  return { kind: 'latest' };
}

function notUsable({ source }: Input, bad: readonly TestedService[]): LifeboatError {
  const facts = bad.flatMap(({ service, results }) =>
    results
      .filter(({ verdict }) => verdict !== 'passed')
      .map(({ check, fact }) => `${service}: ${check}: ${fact}`),
  );
  return new LifeboatError(
    'run.failed',
    `what was restored of ${source} does not do for the services: ${facts.join('; ')}`,
    {
      hint: 'Nothing was put in place. Look whether it is the data or the test; then choose another moment, skip this step with a reason, or abort.',
    },
  );
}
