import { join } from 'node:path';
import { LifeboatError } from '../../../core/index.ts';
import { createPlatforms } from '../../../platforms/index.ts';
import { findFreezes } from '../../freeze/find-freezes.ts';
import { freeze } from '../../freeze/freeze.ts';
import { freezesInRepositories } from '../../freeze/freeze-copies.ts';
import { type FreezeItem, isFrozen } from '../../freeze/freeze-record.ts';
import type { FreezeWorld } from '../../freeze/freeze-request.ts';
import { freezeStore } from '../../freeze/freeze-store.ts';
import { isOfSame } from '../../freeze/look-at-freeze.ts';
import { itemsToThaw, type ThawRequest, thaw } from '../../freeze/thaw.ts';
import type { StepInputs } from '../step-inputs.ts';
import type { StepContext, StepKind, StepOutcome } from '../step-kind.ts';

type Input = StepInputs['freeze'];

/** A second freeze only adds what is missing, so that it goes on after a crash; its own record says what was before. */
export const freezeStep: StepKind<Input> = {
  name: 'freeze',

  async probe() {
    return { found: 'continue' };
  },

  async run(input, context) {
    return await freezeAgain(input, context);
  },

  async undo(input, outcome, context) {
    const id = outcome?.result.freeze;
    const { thawed } = await thawAll(input, typeof id === 'string' ? id : undefined, context);
    return thawed.length === 0 ? 'nothing was frozen any more' : `thawed ${thawed.join(', ')}`;
  },
};

/** Databases and services of the sources; services alone have a record of their own, which the freeze of sources does not touch. */
export async function freezeAgain(input: Input, context: StepContext): Promise<StepOutcome> {
  const { services, sources, maintenance } = input;
  const outcome = await freeze({ ...freezeWorld(input, context), services, sources, maintenance });
  const { record, gaps, changed, sessionsEnded, notes, durationMs } = outcome;
  if (gaps.length > 0) {
    const [first] = gaps;
    throw new LifeboatError(
      'freeze.incomplete',
      `the freeze is not complete: ${gaps.map(({ what }) => what).join('; ')}`,
      { hint: `${first?.remedy ?? ''} What was frozen is; going on only adds.`.trim() },
    );
  }
  const what = [...services, ...sources].join(', ');
  return {
    text: `froze ${what}: ${changed} changes, ${sessionsEnded} sessions ended`,
    result: {
      freeze: record.id,
      frozen: input,
      // What did not run before need not run after.
      idle: record.items.flatMap((item) =>
        item.kind === 'service' && item.former.status !== 'running' ? [item.service] : [],
      ),
    },
    evidence: {
      freeze: record.id,
      items: record.items.map(({ name, intent, state }) => ({ name, intent, state })),
      sessionsEnded,
      notes,
      durationMs,
    },
  };
}

/** Errors: `run.failed` when something could not be put back; the record is kept until all is. */
export async function thawAll(
  input: Input,
  id: string | undefined,
  context: StepContext,
  kept: Pick<ThawRequest, 'keeps' | 'former'> = {},
): Promise<Thawed> {
  try {
    const world = freezeWorld(input, context);
    const wanted = await stillFrozen(world, input, id);
    if (wanted === undefined) return nothing;
    const { record, thawed, failures, notes } = await thaw({ ...world, freeze: wanted, ...kept });
    const { keeps = () => false } = kept;
    if (failures.length === 0) {
      return { thawed, notes, kept: record.items.filter((item) => isFrozen(item) && keeps(item)) };
    }
    const [first] = failures;
    throw new LifeboatError(
      'run.failed',
      `not everything could be thawed: ${failures.map(({ item, problem }) => `${item}: ${problem}`).join('; ')}`,
      { hint: `${first?.remedy ?? ''} What was thawed stays so; going on does the rest.`.trim() },
    );
  } catch (error) {
    if (!(error instanceof LifeboatError) || error.code !== 'thaw.nothing') throw error;
    return nothing;
  }
}

export interface Thawed {
  readonly thawed: readonly string[];
  readonly notes: readonly string[];
  readonly kept: readonly FreezeItem[];
}

const nothing: Thawed = { thawed: [], notes: [], kept: [] };

/**
 * Gives up the way to open the former databases of a source: they stay closed as they are. Resolves with what stays so, in words. Errors: those of `thaw`.
 */
export async function leaveClosed(
  input: Input,
  id: string,
  source: string,
  context: StepContext,
): Promise<readonly string[]> {
  const world = freezeWorld(input, context);
  // Of this very freeze: another one that is open is none of ours to give up.
  const record = (await findFreezes(world, id)).records.find((each) => each.id === id);
  if (record === undefined) return [];
  const closed = itemsToThaw(record, [], [source]).filter(({ kind }) => kind === 'database');
  await thaw({
    ...world,
    freeze: id,
    sources: [source],
    leave: closed.map(({ name }) => name),
    keeps: ({ kind }) => kind !== 'database',
  });
  return closed.map(({ name, place }) => `${name} (${place.text})`);
}

/**
 * What was thawed meanwhile and frozen again has another record; that of a host which is lost is in repositories. Never the freeze of something
 * else: of those that are open there may be several.
 */
async function stillFrozen(
  world: FreezeWorld,
  input: Input,
  id: string | undefined,
): Promise<string | undefined> {
  const store = world.store ?? freezeStore(world.surroundings.configuration.stateFolder);
  const open = await store.open();
  const here = open.find((each) => each.id === id) ?? open[0];
  if (here !== undefined) return here.id;
  if (id !== undefined && (await store.isHistory(id))) return undefined;
  const { records, problems } = await freezesInRepositories(world);
  const same: string[] = [];
  for (const record of records) {
    if (isOfSame(record, input) && !(await store.isHistory(record.id))) same.push(record.id);
  }
  const found = same.find((each) => each === id) ?? same[0];
  if (found !== undefined || id === undefined || problems.length === 0) return found;
  const [{ repository, problem }] = problems as [(typeof problems)[number]];
  throw new LifeboatError(
    'run.failed',
    `this host has no record of the freeze ${id}, and the repository ${repository} could not be asked: ${problem}`,
    { hint: 'It says what was before. Make the repository reachable and go on.' },
  );
}

function freezeWorld({ services, sources }: Input, context: StepContext): FreezeWorld {
  const { surroundings, tell, progress, signal, folder } = context;
  const { environment } = surroundings;
  return {
    surroundings,
    platforms: createPlatforms({ environment }),
    tell,
    progress,
    signal,
    ...(sources.length > 0
      ? {}
      : { store: freezeStore(join(folder, `stopped-${services.join('-')}`)) }),
  };
}
