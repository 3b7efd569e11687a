import { type BootTime, bootTime, LifeboatError, sinceThen } from '../../../core/index.ts';
import { giveTimelineUp } from '../give-timeline-up.ts';
import { groundOf } from '../step-ground.ts';
import type { StepInputs } from '../step-inputs.ts';
import type { ProbeResult, StepContext, StepKind, StepOutcome } from '../step-kind.ts';
import { leaveClosed } from './freeze.ts';
import { frozenBy } from './thaw.ts';

type Input = StepInputs['swap'];

/** When it was put in place, by the time of day and by how long the machine was up. */
interface SwappedAt {
  readonly at: string;
  readonly boot: BootTime | undefined;
}

/** Puts what was delivered in place; what was there is kept beside. The ground knows how far a swap came, by the token of the run. */
export const swapStep: StepKind<Input> = {
  name: 'swap',

  async probe(input, context): Promise<ProbeResult> {
    const { ground } = await groundOf(input.source, input.of, context);
    const state = await ground.state(context.token, context);
    switch (state) {
      case 'swapped':
        return {
          found: 'done',
          outcome: await outcomeOf(
            input,
            kept(await ground.formerAt(context.token, context)),
            context,
          ),
        };
      case 'settled':
        return { found: 'done', outcome: await outcomeOf(input, isLetGo, context) };
      case 'half-swapped':
        return { found: 'continue' };
      case 'begun':
      case 'filled':
        return { found: 'not-done', isAsBefore: true };
      default:
        if (wasNeverDelivered(input, undefined, context)) {
          return { found: 'not-done', isAsBefore: true };
        }
        return { found: 'unclear', what: `${ground.describe()} holds nothing whole of this run` };
    }
  },

  async run(input, context) {
    const { ground } = await groundOf(input.source, input.of, context);
    const formerAt = await ground.swap(context.token, context);
    return await outcomeOf(input, kept(formerAt), context);
  },

  async undo(input, outcome, context) {
    const { ground } = await groundOf(input.source, input.of, context);
    const state = await ground.state(context.token, context);
    if (state === 'begun') return nothingSwapped(ground.describe());
    if (state === 'nothing') {
      if (wasNeverDelivered(input, outcome, context)) return nothingSwapped(ground.describe());
      throw letGo(ground.describe());
    }
    if (state !== 'filled') await ground.swapBack(context.token, context);
    const did =
      state === 'filled'
        ? 'the former data was in place already'
        : `put the former data of ${input.source} back in place`;
    return `${did}${await giveTimelineUp(input.source, ground, context)}`;
  },
};

/** Lets go of what was replaced, when the time to go back is over. */
export const settleStep: StepKind<StepInputs['settle']> = {
  name: 'settle',

  async notBefore({ of, afterMs }, { outcomes, now }) {
    const { at, boot } = (outcomes[of]?.result ?? {}) as Partial<SwappedAt>;
    if (at === undefined) return undefined;
    // A clock that was set forward must not take the way back away.
    const passedMs = sinceThen(boot ?? {});
    if (passedMs === undefined) return new Date(Date.parse(at) + afterMs);
    return new Date(now().getTime() + Math.max(0, afterMs - passedMs));
  },

  async probe({ source, of }, context): Promise<ProbeResult> {
    const { ground } = await groundOf(source, of, context);
    const state = await ground.state(context.token, context);
    // What was swapped is told of there until it is let go of.
    if (state === 'nothing') return { found: 'done', outcome: settled(source) };
    if (state === 'swapped' || state === 'settled') return { found: 'continue' };
    return {
      found: 'unclear',
      what: `${ground.describe()} is ${state}, nothing was swapped there`,
    };
  },

  async run({ source, of, closed }, context) {
    const { ground } = await groundOf(source, of, context);
    if ((await ground.state(context.token, context)) !== 'nothing') {
      await ground.settle(context.token, context);
      await ground.forget(context.token, context);
    }
    if (closed === undefined) return settled(source);
    const { frozen, freeze } = frozenBy(closed, context);
    if (freeze === undefined) return settled(source);
    return settled(source, await leaveClosed(frozen, freeze, source, context));
  },
};

/** What became of what was there. */
interface Former {
  readonly text: string;
  /** Where it is kept, for people. */
  readonly formerAt?: string;
}

const isLetGo: Former = { text: 'what was there was let go of' };

/** Nobody looks for it by the id of a run, least of all where it holds the only copy of what was written meanwhile. */
function kept(formerAt: string | undefined): Former {
  if (formerAt === undefined) return { text: 'nothing was there before' };
  return { text: `what was there is kept: ${formerAt}`, formerAt };
}

async function outcomeOf(
  { source, of }: Input,
  { text, ...former }: Former,
  context: StepContext,
): Promise<StepOutcome> {
  const { ground, found, setting } = await groundOf(source, of, context);
  const swappedAt: SwappedAt = { at: context.now().toISOString(), boot: bootTime() };
  const place = setting.kind === 'folder' ? { place: { folder: setting.folder } } : {};
  return {
    text: `put the restored ${source} in place at ${ground.describe()}; ${text}`,
    result: { ...found, ...place, ...swappedAt, ...former },
    evidence: { ground: ground.describe(), ...former },
  };
}

/** What was not brought there cannot have been put in place. One that was swapped left its outcome, or that of what was delivered. */
function wasNeverDelivered(
  { of }: Input,
  outcome: StepOutcome | undefined,
  { outcomes }: StepContext,
): boolean {
  return outcome === undefined && outcomes[of] === undefined;
}

function nothingSwapped(place: string): string {
  return `nothing was swapped: nothing whole was brought to ${place}`;
}

function letGo(place: string): LifeboatError {
  return new LifeboatError(
    'ground.failed',
    `${place}: nothing of this run is there any more: the former data was let go of, or the place was removed`,
    {
      hint: 'Restore a safety snapshot instead.',
    },
  );
}

function settled(source: string, closed: readonly string[] = []): StepOutcome {
  const stays =
    closed.length === 0
      ? ''
      : `; ${closed.join(', ')} stays read-only and refuses connections, and no thaw opens it any more`;
  return {
    text: `let go of the former data of ${source}${stays}`,
    result: {},
    evidence: { closed },
  };
}
