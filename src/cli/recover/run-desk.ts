import type { RunAnswer, RunDesk, RunQuestion } from '../../recovery/index.ts';
import type { CommandContext } from '../command.ts';
import { prose } from '../output/prose.ts';
import { commandLines } from '../output/run-text.ts';

type Approval = Extract<RunQuestion, { kind: 'approval' }>;

/** Asks whoever sits at the terminal; in scripts `--yes NAME` answers with names that would be typed, or with ids of steps. */
export function terminalDesk(context: CommandContext, yes: readonly string[]): RunDesk {
  return async (question) => {
    const given = answeredBy(question, yes);
    if (given) return given;
    if (!context.ask) return undefined;
    context.output.pause();
    switch (question.kind) {
      case 'approval':
        return await askApproval(question, context);
      case 'unclear':
        return await askWhatBecame(question.step.target, question.what, context);
      case 'host':
        return await askHost(question.host, question.steps, context);
    }
  };
}

function answeredBy(question: RunQuestion, yes: readonly string[]): RunAnswer | undefined {
  if (question.kind === 'host') {
    return yes.includes(question.host) ? { answer: 'allow', typed: question.host } : undefined;
  }
  if (question.kind !== 'approval') return undefined;
  const { typed } = question.approval;
  if (typed !== undefined) return yes.includes(typed) ? { answer: 'allow', typed } : undefined;
  return yes.includes(question.step.id) ? { answer: 'allow' } : undefined;
}

async function askApproval(
  { step, approval }: Approval,
  context: CommandContext,
): Promise<RunAnswer> {
  const ask = context.ask as NonNullable<CommandContext['ask']>;
  context.output.say(({ bold, dim }) =>
    [
      '',
      bold(approval.question.split('\n').map(prose).join('\n')),
      `  ${prose(step.title)}: ${step.target}`,
      ...commandLines(step),
      ...(step.kind === 'manual'
        ? []
        : [
            dim(
              `  ${step.undo === undefined ? 'It cannot be undone.' : `Undone by: ${prose(step.undo)}.`}`,
            ),
          ]),
    ].join('\n'),
  );
  const answer = await ask.choose(
    'What now?',
    [
      { value: 'allow', label: 'go on' },
      { value: 'pause', label: 'pause here' },
      { value: 'decline', label: 'no' },
    ],
    'allow',
  );
  if (answer === 'pause') return { answer: 'pause' };
  if (answer === 'decline') {
    return { answer: 'decline', comment: (await ask.text('Why?')).trim() || 'no reason given' };
  }
  const { typed } = approval;
  if (typed === undefined) return { answer: 'allow' };
  return { answer: 'allow', typed: (await ask.text(`To go on, type ${typed}`)).trim() };
}

async function askWhatBecame(
  target: string,
  what: string,
  { ask, output }: CommandContext,
): Promise<RunAnswer> {
  output.say(({ yellow }) =>
    yellow(
      `A step was begun and nobody saw its end: ${what}.\n  Look at ${target} before you answer.`,
    ),
  );
  const answer = await (ask as NonNullable<typeof ask>).choose(
    'What became of it?',
    [
      { value: 'pause', label: 'I do not know: pause' },
      { value: 'was-done', label: 'it was done' },
      { value: 'run-again', label: 'nothing of it was done: do it' },
    ],
    'pause',
  );
  return { answer };
}

async function askHost(
  host: string,
  steps: Extract<RunQuestion, { kind: 'host' }>['steps'],
  { ask, output }: CommandContext,
): Promise<RunAnswer> {
  output.say(({ bold, yellow }) =>
    [
      yellow(`This run was opened on another host. On ${host} it would do:`),
      ...steps.flatMap((step) => [`  ${bold(step.title)}: ${step.target}`, ...commandLines(step)]),
    ].join('\n'),
  );
  const typed = await (ask as NonNullable<typeof ask>).text(
    `To let it run these commands here, type the name of this host (${host})`,
  );
  return { answer: 'allow', typed: typed.trim() };
}
