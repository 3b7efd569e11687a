import { LifeboatError } from '../../../core/index.ts';
import type { FreezeItem } from '../../freeze/freeze-record.ts';
import type { KeptOut } from '../../run/kept-out.ts';
import type { StepInputs } from '../step-inputs.ts';
import type { StepContext, StepKind } from '../step-kind.ts';
import { freezeAgain, thawAll } from './freeze.ts';

type Input = StepInputs['thaw'];
type Frozen = StepInputs['freeze'];
type Moved = NonNullable<Input['moved']>;

/** Exactly what the freeze wrote down is put back; what is back already is left alone. */
export const thawStep: StepKind<Input> = {
  name: 'thaw',

  async probe() {
    return { found: 'continue' };
  },

  async run({ of, moved }, context) {
    const { frozen, freeze } = frozenBy(of, context);
    const held = moved === undefined ? undefined : heldBack(moved, context);
    const { thawed, notes, kept, still, stands } = await thawAll(frozen, freeze, context, held);
    const closed = kept
      .filter(({ kind }) => kind === 'database')
      .map(({ name, place }) => `${name} (${place.text})`);
    const down = still.flatMap((item) => (item.kind === 'service' ? [item.service] : []));
    const stopped = kept.flatMap((item) => (item.kind === 'service' ? [item.service] : []));
    const keptOut =
      freeze === undefined ? {} : { keptOut: { freeze, closed, stopped } satisfies KeptOut };
    const text = [
      thawed.length === 0 ? 'nothing was frozen any more' : `thawed ${thawed.join(', ')}`,
      ...(closed.length > 0 ? [`${closed.join(', ')} stays closed: it is the former place`] : []),
      ...(stopped.length > 0
        ? [`${stopped.join(', ')} stays stopped: it was not pointed at the new place`]
        : []),
      ...stands,
    ];
    return {
      text: text.join('; '),
      // Nobody watches, or misses, what is to stand.
      result: {
        frozen,
        idle: [...stopped, ...down],
        ...keptOut,
      },
      evidence: { freeze, thawed, notes, closed, stopped, stands },
    };
  },

  /** What comes before it in the plan may only be undone while nobody writes. */
  async undo({ of }, _outcome, context) {
    const { frozen } = frozenBy(of, context);
    return (await freezeAgain(frozen, context)).text;
  },
};

/** Former places, and services that would write there, or find nobody, with those that need them. */
function heldBack({ sources, pointedBy }: Moved, { outcomes, surroundings }: StepContext) {
  const stopped = new Set(
    Object.entries(pointedBy).flatMap(([step, names]) => (outcomes[step] ? [] : names)),
  );
  // Sorted so that those it needs were seen before.
  for (const { name, after = [] } of surroundings.configuration.services) {
    if (after.some((each) => stopped.has(each))) stopped.add(name);
  }
  return {
    former: sources,
    keeps: (item: FreezeItem) =>
      item.kind === 'database'
        ? item.sources.every((each) => sources.includes(each))
        : item.kind === 'service' && stopped.has(item.service),
  };
}

/** What the freeze of that step holds. Errors: `run.failed`: it was left out. */
export function frozenBy(of: string, { outcomes }: StepContext) {
  const { frozen, freeze } = outcomes[of]?.result ?? {};
  if (typeof frozen === 'object' && frozen !== null) {
    // Where nothing is configured that writes there is no freeze, and nothing to thaw.
    return { frozen: frozen as Frozen, freeze: typeof freeze === 'string' ? freeze : undefined };
  }
  throw new LifeboatError('run.failed', `the step ${of} says nothing of what it froze`, {
    hint: 'It was left out. See what is frozen with `lifeboat status`, thaw it with `lifeboat thaw`, and leave this step out with a reason.',
  });
}
