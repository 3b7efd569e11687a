import { LifeboatError } from '../../core/index.ts';
import { isEnded, isRecovered, type RunState } from '../../recovery/index.ts';
import type { CommandContext } from '../command.ts';
import type { OpenedRuns } from './open-runs.ts';

/** What a person chose to do with a run that is there already; undefined from `act`: nothing. */
export interface Instead {
  readonly act: () => Promise<RunState | undefined>;
}

/** Runs that have not ended, of the source that was named, or of any; the newest first. */
export async function begunBefore(
  { runs }: OpenedRuns,
  wanted: string | undefined,
): Promise<readonly RunState[]> {
  return (await runs.list()).filter(
    (state) => !isEnded(state) && (wanted === undefined || state.plan.sources.includes(wanted)),
  );
}

/**
 * What is done instead of beginning another recovery: one that is under way goes on, or is given up. Over one that has recovered, and only
 * keeps what it replaced, there may be another: undefined. Errors: `run.busy`, those of runs.
 */
export async function insteadOfAnother(
  { runs }: OpenedRuns,
  before: readonly RunState[],
  context: CommandContext,
): Promise<Instead | undefined> {
  const underWay = before.find((state) => !isRecovered(state));
  const [state] = underWay ? [underWay] : before;
  if (state === undefined) return undefined;
  const { run } = state;
  const { ask, output } = context;
  if (!underWay) {
    const message = `what run ${run} replaced stays kept: another recovery lets go of nothing`;
    output.progress({ type: 'note', message });
  }
  if (ask === undefined && underWay) throw busy(underWay);
  const answer = await ask?.choose(`${factOf(state)}. What now?`, ...choicesFor(state));
  switch (answer) {
    case undefined:
    case 'another':
      return undefined;
    case 'let-go':
      return { act: () => runs.resume(run, { letGo: true }) };
    case 'resume':
      return { act: () => runs.resume(run) };
    case 'abort': {
      const why = await ask?.text('Why is it given up?');
      const reason = why?.trim() || 'no reason given';
      return { act: () => runs.resume(run, { abort: { reason } }) };
    }
    default:
      return { act: async () => undefined };
  }
}

function choicesFor(
  state: RunState,
): [{ readonly value: string; readonly label: string }[], string] {
  const stop = { value: 'stop', label: 'leave it alone' };
  if (!isRecovered(state)) {
    return [
      [
        { value: 'resume', label: 'go on with it, exactly where it stands' },
        { value: 'abort', label: 'give it up: what it did is undone' },
        stop,
      ],
      'resume',
    ];
  }
  return [
    [
      {
        value: 'another',
        label: 'something is wrong again: look at it; what was replaced before stays kept',
      },
      {
        value: 'abort',
        label: 'go back to what it replaced; what was written since is stored as a snapshot first',
      },
      {
        value: 'let-go',
        label: 'let go of what it replaced, which ends it: there is no way back then',
      },
      stop,
    ],
    'another',
  ];
}

function factOf(state: RunState): string {
  const { run, plan, phase, reason } = state;
  const sources = plan.sources.join(', ');
  if (isRecovered(state)) {
    return `${sources} was recovered by run ${run} of incident ${plan.incident}, which keeps what it replaced`;
  }
  const why = reason === undefined ? '' : ` (${reason})`;
  return `a recovery of ${sources} has begun already: run ${run} of incident ${plan.incident}, ${phase}${why}`;
}

function busy(state: RunState): LifeboatError {
  const { run } = state;
  const hint = `Go on with it: lifeboat recover --resume ${run}. Or give it up: lifeboat recover --abort ${run} --reason TEXT.`;
  return new LifeboatError('run.busy', factOf(state), { hint, context: { run } });
}
