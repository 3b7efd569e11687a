import { LifeboatError } from '../../../core/index.ts';
import { openScratch, PostgresSource, type RecoveryTarget } from '../../../sources/index.ts';
import { parseLsn } from '../../../wal/index.ts';
import { serverConnectionOf } from '../../ground/registry.ts';
import { nameFor } from '../../ground/server/database-names.ts';
import { openTrials, type Trials } from '../../ground/server/trial-databases.ts';
import type { RestoredPlace } from '../../validate/application/restored-place.ts';
import { type TestedService, testService } from '../../validate/application/test-service.ts';
import { placeLeftBy } from '../restored-place.ts';
import { groundOf } from '../step-ground.ts';
import type { StepInputs } from '../step-inputs.ts';
import type { StepContext, StepKind } from '../step-kind.ts';
import { checksOf, serviceNamed } from '../step-services.ts';
import { settingOf } from '../step-source.ts';

type Input = StepInputs['test-services'];

/**
 * Starts services in test mode on what was restored. A service may write while it is tried: a database is opened once more on ground of
 * its own, or copied where it was loaded, removed afterwards, and what will be put in place stays as it was validated. A service that works, and
 * has never connected to it, was not tried: that is said.
 */
export const testServices: StepKind<Input> = {
  name: 'test-services',

  async probe() {
    return { found: 'not-done' };
  },

  async run(input, context) {
    await using ground = await openGround(input, context);
    const tested: TestedService[] = [];
    const strangers: string[] = [];
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
      const before = await ground.trials?.sessions();
      tested.push(
        await testService({
          service: { ...service, test },
          place: ground.place,
          surroundings: checksOf(context.surroundings),
          signal: context.signal,
          progress: context.progress,
        }),
      );
      if (before === undefined || (await ground.trials?.hadMoreThan(before))) continue;
      strangers.push(name);
      context.progress({ type: 'warning', message: `${name}: ${neverCame}`, hint: neverCameHint });
    }
    const bad = tested.filter(({ holds }) => !holds);
    if (bad.length > 0) throw notUsable(input, bad, strangers);
    const tried = input.services.filter((name) => !strangers.includes(name));
    const text = [
      ...(tried.length > 0
        ? [`${tried.join(', ')} worked in test mode on the restored ${input.source}`]
        : []),
      ...(strangers.length > 0 ? [`not tried: ${strangers.join(', ')} ${neverCame}`] : []),
    ];
    const skipped = strangers.map((service) => ({ service, why: neverCame }));
    return { text: text.join('; '), result: {}, evidence: { tested, skipped } };
  },
};

const neverCame = 'never connected to what was restored';
const neverCameHint =
  'Its test mode takes another database, or none: LIFEBOAT_HOST, LIFEBOAT_PORT and LIFEBOAT_DATABASE name the one to try.';

interface TestGround extends AsyncDisposable {
  readonly place: RestoredPlace;
  /** Where it can be seen who connects. */
  readonly trials?: Trials;
}

async function openGround(input: Input, context: StepContext): Promise<TestGround> {
  const { surroundings, outcomes, signal, progress } = context;
  if (settingOf(input.source, context).kind === 'postgres-dump') {
    return await openLoaded(input, context);
  }
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

/** What was loaded beside what is in use is copied there: by connection alone there is no other place that has its extensions and roles. */
async function openLoaded({ source, of }: Input, context: StepContext): Promise<TestGround> {
  const { surroundings, token, signal, progress, outcomes } = context;
  const { ground, setting } = await groundOf(source, of, context);
  const databases = outcomes[of]?.result.databases;
  if (
    setting.kind !== 'server' ||
    !Array.isArray(databases) ||
    (await ground.state(token, context)) !== 'filled'
  ) {
    throw new LifeboatError('run.failed', `${ground.describe()} holds nothing whole of this run`, {
      hint: `Do the step ${of} first; it was skipped or undone.`,
    });
  }
  const place = placeLeftBy(of, context);
  const brought = databases.map(String);
  // What the source connects to; else the only one, or the first.
  const own = brought.find((each) => each === place.database) ?? brought[0] ?? '';
  const trials = await openTrials({
    connection: await serverConnectionOf(setting, surroundings),
    databases: brought,
    token,
    signal,
    progress,
    willRemove: context.willRemove,
  });
  return {
    place: { ...place, database: nameFor(own, 'trial', token) },
    trials,
    [Symbol.asyncDispose]: () => trials[Symbol.asyncDispose](),
  };
}

/** The same position, whatever words it was asked for by. */
function reachedBy({ reached }: Readonly<Record<string, unknown>>): RecoveryTarget {
  if (typeof reached === 'string') return { kind: 'lsn', lsn: parseLsn(reached), inclusive: false };
  return { kind: 'latest' };
}

function notUsable(
  { source }: Input,
  bad: readonly TestedService[],
  strangers: readonly string[],
): LifeboatError {
  const facts = bad.flatMap(({ service, results }) => [
    ...results
      .filter(({ verdict }) => verdict !== 'passed')
      .map(({ check, fact }) => `${service}: ${check}: ${fact}`),
    ...(strangers.includes(service) ? [`${service}: ${neverCame}`] : []),
  ]);
  const own = bad.some(({ service }) => strangers.includes(service)) ? ` ${neverCameHint}` : '';
  return new LifeboatError(
    'run.failed',
    `what was restored of ${source} does not do for the services: ${facts.join('; ')}`,
    {
      hint: `Nothing was put in place. Look whether it is the data or the test; then choose another moment, skip this step with a reason, or abort.${own}`,
    },
  );
}
