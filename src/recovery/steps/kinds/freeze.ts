import { join } from 'node:path';
import { LifeboatError } from '../../../core/index.ts';
import { createPlatforms } from '../../../platforms/index.ts';
import { isOfSame } from '../../freeze/concerns.ts';
import { findFreezes } from '../../freeze/find-freezes.ts';
import { freeze } from '../../freeze/freeze.ts';
import { describeHold, holdsOf, isHeldBy } from '../../freeze/freeze-holds.ts';
import {
  type FreezeHold,
  type FreezeItem,
  type FreezeRecord,
  isFrozen,
} from '../../freeze/freeze-record.ts';
import type { FreezeWorld } from '../../freeze/freeze-request.ts';
import { freezeStore, storeOf } from '../../freeze/freeze-store.ts';
import { openFreezes } from '../../freeze/open-freezes.ts';
import { isCalled } from '../../freeze/taken-over.ts';
import { itemsToThaw, type ThawOutcome, type ThawRequest, thaw } from '../../freeze/thaw.ts';
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
    const { freeze: id, taken } = outcome?.result ?? {};
    const freeze = typeof id === 'string' ? id : undefined;
    const before = Array.isArray(taken) ? (taken as readonly FreezeHold[]) : [];
    const { thawed, stands } = await thawAll(input, freeze, context, { before });
    const done =
      thawed.length === 0 ? 'nothing of it was frozen any more' : `thawed ${thawed.join(', ')}`;
    return [done, ...stands].join('; ');
  },
};

/** Databases and services of the sources; services alone have a record of their own, which the freeze of sources does not touch. */
export async function freezeAgain(input: Input, context: StepContext): Promise<StepOutcome> {
  if (isNothing(input)) return frozenNothing(input);
  const { services, sources: databases, maintenance } = input;
  const sources = heldBy(input);
  const outcome = await freeze({
    ...freezeWorld(input, context),
    services,
    sources,
    databases,
    maintenance,
  });
  const { record, gaps, changed, sessionsEnded, notes, durationMs } = outcome;
  if (gaps.length > 0) {
    const [first] = gaps;
    throw new LifeboatError(
      'freeze.incomplete',
      `the freeze is not complete: ${gaps.map(({ what }) => what).join('; ')}`,
      { hint: `${first?.remedy ?? ''} What was frozen is; going on only adds.`.trim() },
    );
  }
  const what = [...services, ...databases].join(', ');
  const taken = (record.holds ?? []).filter(({ takenBy }) => takenBy === context.token);
  const before = taken.map(
    (each) => `${each.source} was frozen ${describeHold(each)}, and is thawed with this run`,
  );
  return {
    text: [
      `froze ${what}: ${changed === 1 ? '1 change' : `${changed} changes`}, ${sessionsEnded === 1 ? '1 session' : `${sessionsEnded} sessions`} ended`,
      ...before,
    ].join('; '),
    result: {
      freeze: record.id,
      frozen: input,
      taken,
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

/** Of a plan for sources whose writers nobody has named. */
function isNothing({ services, sources, maintenance }: Input): boolean {
  return services.length === 0 && sources.length === 0 && !maintenance;
}

function frozenNothing(input: Input): StepOutcome {
  const text =
    'nothing was stopped: no service that writes is configured (`services` with `writes`), and there is no database to close';
  return { text, result: { frozen: input }, evidence: {} };
}

/** Errors: `run.failed` when something could not be put back; the record is kept until all is. */
export async function thawAll(
  input: Input,
  id: string | undefined,
  context: StepContext,
  how: Pick<ThawRequest, 'keeps' | 'former' | 'before'> = {},
): Promise<Thawed> {
  if (isNothing(input)) return nothing;
  try {
    const world = freezeWorld(input, context);
    const wanted = await stillFrozen(world, input, id);
    if (wanted === undefined) return nothing;
    const sources = heldBy(input);
    const outcome = await thaw({ ...world, freeze: wanted, sources, ...how });
    const { record, thawed, failures, notes } = outcome;
    const { keeps = () => false } = how;
    if (failures.length === 0) {
      const frozen = record.items.filter(isFrozen);
      const kept = frozen.filter(keeps);
      const still = frozen.filter((item) => !keeps(item) && isOf(item, input));
      return { thawed, notes, kept, still, stands: standing(outcome, still, sources) };
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
  /** Of what was to be thawed: somebody else wants it frozen. */
  readonly still: readonly FreezeItem[];
  /** Who that is, and how it is thawed; in words. */
  readonly stands: readonly string[];
}

const nothing: Thawed = { thawed: [], notes: [], kept: [], still: [], stands: [] };

function isOf(item: FreezeItem, input: Input): boolean {
  if (item.kind === 'service') return input.services.includes(item.service);
  if (item.kind === 'database') return input.sources.includes(item.source);
  return input.maintenance;
}

function standing(
  { record, stands }: ThawOutcome,
  still: readonly FreezeItem[],
  sources: readonly string[],
): readonly string[] {
  const shared = still.flatMap((item) => item.sources.filter((each) => !sources.includes(each)));
  const others = holdsOf(record).filter(({ source }) => shared.includes(source));
  const names = still.map(({ name }) => name).join(', ');
  return [
    ...stands.map((hold) => `${hold.source} stays frozen ${describeHold(hold)}: ${opens(hold)}`),
    ...others.map(
      (hold) =>
        `${names} stays frozen for ${hold.source}, which is frozen ${describeHold(hold)}: ${opens(hold)}`,
    ),
  ];
}

function opens({ source, run }: FreezeHold): string {
  return run === undefined
    ? `\`lifeboat thaw ${source}\`, when it may write again`
    : `the thaw of that run opens it`;
}

/**
 * Gives up the way to open the former databases of a source: they stay closed as they are. Resolves with what stays so, in words. Errors: those of `thaw`.
 */
export async function leaveClosed(
  input: Input,
  id: string,
  source: string,
  context: StepContext,
): Promise<readonly string[]> {
  // Whoever else wants it frozen: it stays so.
  const { run: _, ...world } = freezeWorld(input, context);
  // Of this very freeze: another one that is open is none of ours to give up.
  const record = (await findFreezes(world, id)).records.find((each) => isCalled(each, id));
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
 * What was thawed meanwhile and frozen again has another record; that of a host which is lost is in repositories. Never the freeze of somebody
 * else: of those that are open there may be several.
 */
async function stillFrozen(
  world: FreezeWorld,
  input: Input,
  id: string | undefined,
): Promise<string | undefined> {
  const store = storeOf(world);
  const all = await store.open();
  // A store of its own has nothing else.
  const here = heldBy(input).length === 0 ? all[0] : ours(all, world, input, id);
  if (here !== undefined) return here.id;
  if (id !== undefined && (await store.isHistory(id))) return undefined;
  const { elsewhere, problems } = await openFreezes(world);
  const found = ours(elsewhere, world, input, id)?.id;
  if (found !== undefined || id === undefined || problems.length === 0) return found;
  const [{ repository, problem }] = problems as [(typeof problems)[number]];
  throw new LifeboatError(
    'run.failed',
    `this host has no record of the freeze ${id}, and the repository ${repository} could not be asked: ${problem}`,
    { hint: 'It says what was before. Make the repository reachable and go on.' },
  );
}

/** The one that this run holds, else the one that it has made. */
function ours(
  records: readonly FreezeRecord[],
  { run = '' }: FreezeWorld,
  input: Input,
  id: string | undefined,
): FreezeRecord | undefined {
  const sources = heldBy(input);
  const known = records.find((each) => id !== undefined && isCalled(each, id));
  if (sources.length > 0) return records.find((each) => isHeldBy(each, run)) ?? known;
  return known ?? records.find((each) => isOfSame(each, { sources, services: input.services }));
}

/** Sources for whose sake it is. */
function heldBy({ holds, sources }: Input): readonly string[] {
  return holds ?? sources;
}

function freezeWorld(input: Input, context: StepContext): FreezeWorld {
  const { surroundings, tell, progress, signal, folder, token } = context;
  const { environment } = surroundings;
  return {
    surroundings,
    platforms: createPlatforms({ environment }),
    tell,
    progress,
    signal,
    run: token,
    ...(heldBy(input).length > 0
      ? {}
      : { store: freezeStore(join(folder, `stopped-${input.services.join('-')}`)) }),
  };
}
