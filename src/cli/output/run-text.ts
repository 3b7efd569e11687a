import { formatDuration, steadyNow } from '../../core/index.ts';
import {
  clockOf,
  keptFormers,
  keptOutBy,
  type RunEvent,
  type RunState,
  type Step,
  type StepState,
} from '../../recovery/index.ts';
import { quoteArgument } from '../next-command.ts';
import { describeClock } from './clock-text.ts';
import { countOf } from './count.ts';
import { printable } from './printable.ts';
import { prose } from './prose.ts';
import type { Style } from './style.ts';

/** What a step would run, as a shell takes it. */
export function commandLines({ commands }: Step): readonly string[] {
  return commands.map((words) => `    $ ${printable(words.map(quoteArgument).join(' '))}`);
}

/** The line at the bottom while a step runs. */
export function statusLine(state: RunState, step: Step, style: Style): string {
  const clock = clockOf(state, steadyNow());
  const took = formatDuration(clock.stepElapsedMs ?? 0);
  const of = step.expectedMs === undefined ? '' : ` of about ${formatDuration(step.expectedMs)}`;
  return `${numberOf(state, step)} ${prose(step.title)}: ${took}${of} ${style.dim(`· ${describeClock(clock)}`)}`;
}

function numberOf({ plan }: RunState, { id }: Pick<Step, 'id'>): string {
  return `[${plan.steps.findIndex((each) => each.id === id) + 1}/${plan.steps.length}]`;
}

/** One event for people; undefined: the line at the bottom tells it. */
export function describeRunEvent(event: RunEvent, style: Style): string | undefined {
  const { green, red, yellow, dim, bold } = style;
  const { state } = event;
  switch (event.type) {
    case 'opened':
      return [
        `${bold(`Run ${state.run}`)} of incident ${state.plan.incident}: ${state.plan.method}, ${countOf(state.plan.steps.length, 'step')}`,
        dim(`  ${describeClock(clockOf(state, steadyNow()))}`),
      ].join('\n');
    case 'resumed':
      return `${bold(`Run ${state.run}`)} goes on: ${describeDone(state)}`;
    case 'step-begun':
      return [
        `${numberOf(state, event.step)} ${bold(prose(event.step.title))} ${dim(`(${event.step.target})`)}${event.attempt > 1 ? dim(`, attempt ${event.attempt}`) : ''}`,
        ...commandLines(event.step).map(dim),
      ].join('\n');
    case 'step-done':
      return `  ${green('✓')} ${prose(event.text)}${event.known === 'seen' ? dim(` (${formatDuration(event.durationMs)})`) : dim(event.known === 'found' ? ' (found done)' : '')}`;
    case 'step-failed':
      return `  ${red('✗')} ${event.error.message}`;
    case 'step-skipped':
      return `  ${yellow('–')} ${event.person} left ${event.step.id} out: ${event.reason}`;
    case 'step-lost':
      return `  ${yellow('–')} ${event.step.id} is done again: ${event.reason}`;
    case 'approval-wanted':
      return yellow(
        `  waits for ${countOf(event.missing, 'approval')} of "${prose(event.step.title)}"${event.who ? ` by ${event.who.join(', ')}` : ''}:\n    lifeboat recover --approve ${state.run} ${event.step.id}${event.approval.typed === undefined ? '' : ` --yes ${event.approval.typed}`}`,
      );
    case 'approved':
      return `  ${green('✓')} ${event.person} allowed ${event.isLoss ? `that is given up what was written since ${event.step.id}` : event.step.id}`;
    case 'declined':
      return `  ${yellow('–')} ${event.person} declined ${event.step.id}: ${event.comment}`;
    case 'approval-ignored':
      return yellow(`  an approval does not count: ${event.why}`);
    case 'recovered':
      return [
        `${green('✓')} ${bold(`Run ${state.run} has recovered`)}: ${describeDone(state)}`,
        `  ${describeClock(clockOf(state, steadyNow()))}`,
        ...describeKeptOut(state).map((each) => yellow(printable(each))),
        `  What was replaced is kept until ${prose(event.keptUntil)}. Until then there is a way back: lifeboat recover --abort ${state.run} --reason TEXT`,
        ...describeKept(state),
        dim(
          `  Then let go of it: lifeboat recover --resume ${state.run}    # or sooner, with --let-go`,
        ),
      ].join('\n');
    case 'paused':
    case 'undo-begun':
      return undefined;
    case 'aborting':
      return yellow(
        `Giving run ${state.run} up (${event.reason}): what was done is undone, the last first`,
      );
    case 'undone':
      return `  ${green('✓')} ${event.step.id}: ${prose(event.text)}`;
    case 'undo-failed':
      return `  ${red('✗')} ${event.step.id} could not be undone: ${event.error.message}`;
    case 'done':
      return [
        `${green('✓')} ${bold(`Run ${state.run} is done`)}: ${describeDone(state)}`,
        `  ${describeClock(clockOf(state, steadyNow()))}`,
        ...describeKeptOut(state).map((each) => yellow(printable(each))),
        ...describeKept(state),
      ].join('\n');
    case 'aborted':
      return [
        `${yellow('–')} ${bold(`Run ${state.run} was given up`)}: everything is as before${event.stays.length > 0 ? ' but for' : ''}`,
        ...event.stays.map((each) => yellow(`    ${each}`)),
      ].join('\n');
  }
}

/** It may hold the only copy of what was written meanwhile: somebody wants to look into it, or to take it out. */
function describeKept(state: RunState): readonly string[] {
  return keptFormers(state).map(
    ({ source, at }) => `  What was there of ${source} is kept: ${printable(at)}`,
  );
}

/** Nobody finds out from the errors of a program that nobody thought of. */
function describeKeptOut(state: RunState): readonly string[] {
  return keptOutBy(state).flatMap(({ freeze, closed, stopped }) => [
    ...(closed.length > 0
      ? [
          `  Closed stays the former place: ${closed.join(', ')}. Programs that nobody pointed at the new one are refused there: look for them, and point them.`,
        ]
      : []),
    ...stopped.map(
      (name) =>
        `  Stopped stays ${name}: it was not pointed. Once it is: lifeboat thaw --freeze ${freeze} --only ${JSON.stringify(`service ${name}`)}`,
    ),
  ]);
}

function describeDone({ plan, steps }: RunState): string {
  const count = (...phases: readonly StepState['phase'][]) =>
    plan.steps.filter(({ id }) => phases.includes(steps[id]?.phase ?? 'waiting')).length;
  const skipped = count('skipped');
  const undone = count('undone');
  return [
    `${count('done')} of ${countOf(plan.steps.length, 'step')} done`,
    ...(skipped > 0 ? [`${skipped} left out`] : []),
    ...(undone > 0 ? [`${undone} undone`] : []),
  ].join(', ');
}

const marks: Readonly<Record<StepState['phase'], string>> = {
  waiting: ' ',
  begun: '▸',
  failed: '✗',
  done: '✓',
  skipped: '–',
  undoing: '↶',
  undone: '↶',
};

/** Where a run stands: every step, and what is asked. */
export function describeRun(state: RunState, style: Style): string {
  const { bold, dim, green, red, yellow } = style;
  const { run, plan, phase, holder, reason, lastTime, over } = state;
  const paint: Partial<Record<StepState['phase'], (text: string) => string>> = {
    done: green,
    failed: red,
    begun: yellow,
    undoing: yellow,
  };
  return [
    `${bold(`Run ${run}`)} of incident ${plan.incident}: ${phase}${reason === undefined ? '' : ` (${reason})`}`,
    dim(
      `  opened ${prose(state.openedAt)} on ${state.hosts[0]}, last entry ${prose(lastTime)}${holder && phase !== 'paused' ? `, driven by ${holder.actor} on ${holder.host}` : ''}`,
    ),
    ...(state.stays ?? []).map((each) => yellow(`  not as before: ${each}`)),
    ...(over.length === 0
      ? []
      : [dim(`  put over run ${over.join(', ')}, which kept what it had replaced`)]),
    ...(phase === 'aborted' ? [] : [`  ${describeClock(clockOf(state, steadyNow()))}`]),
    ...plan.steps.map((step) => {
      const own = state.steps[step.id] as StepState;
      const said = own.outcome?.text ?? own.error?.message ?? own.reason;
      const tell = said === undefined ? '' : dim(`: ${prose(said)}`);
      return `  ${(paint[own.phase] ?? dim)(marks[own.phase])} ${step.id.padEnd(24)} ${prose(step.title)}${tell}`;
    }),
    ...describeKept(state),
  ].join('\n');
}
