import { formatDuration } from '../../core/index.ts';
import {
  type Alternative,
  type Approval,
  type ChosenMethod,
  methods,
  type Plan,
  type PlanFinding,
  type Prediction,
  type Step,
} from '../../recovery/index.ts';
import { quoteArgument } from '../next-command.ts';
import { printable } from './printable.ts';
import type { Style } from './style.ts';

/** A plan for somebody who was asleep a minute ago: what and why first, then the steps, then the other ways. */
export function describePlan(plan: Plan, style: Style): string {
  const { id, method, mode, target, predicted, reasons, steps, sources } = plan;
  const { bold, dim, yellow } = style;
  const rehearsal = mode === 'drill' ? yellow(' (a rehearsal: nothing in use is touched)') : '';
  return [
    `${bold(`${sources.join(', ')}: ${methods[method].title}`)} ${dim(`(${method}, plan ${id})`)}${rehearsal}`,
    '',
    ...(target === undefined ? [] : [`  to       ${printable(target.text)}`]),
    `  time     ${timeText(predicted, steps)}`,
    `  loss     ${lossText(predicted, style)}`,
    ...labelled('why', reasons),
    ...labelled('from', predicted.basis).map((line) => dim(line)),
    '',
    bold('Steps'),
    ...steps.flatMap((step, at) => describeStep(step, at + 1, style)),
    '',
    bold('Other ways'),
    ...plan.alternatives
      .toSorted((a, b) => Number(b.fits) - Number(a.fits))
      .map((each) => describeAlternative(each, style)),
  ].join('\n');
}

/** Why there is none. */
export function describeRefusal(
  { reasons, alternatives }: ChosenMethod,
  { bold, red, dim }: Style,
): string {
  return [
    `${red('✗')} ${bold('There is no plan')}`,
    ...reasons.map((reason) => `    ${printable(reason)}`),
    '',
    bold('What was considered'),
    ...alternatives.map(({ method, reason }) => `  ${dim('·')} ${method}: ${printable(reason)}`),
  ].join('\n');
}

/** What is missing, with remedies; what is right in one line. */
export function describeFindings(findings: readonly PlanFinding[], style: Style): string {
  const { bold, red, yellow, green, dim } = style;
  const told = findings.filter(({ outcome }) => outcome !== 'ok');
  const right = findings.length - told.length;
  return [
    '',
    bold(told.length === 0 ? 'Nothing is missing' : 'What is missing'),
    ...told.map(({ outcome, fact, remedy, step }) => {
      const mark = outcome === 'problem' ? red('✗') : yellow('!');
      const where = step === undefined ? '' : dim(` (${step})`);
      return `  ${mark} ${printable(fact)}${where}\n      ${dim('→')} ${printable(remedy)}`;
    }),
    `  ${green('✓')} ${right} of ${findings.length} checks hold`,
  ].join('\n');
}

function describeStep(step: Step, number: number, style: Style): readonly string[] {
  const { title, target, commands, expectedMs, undo, approval, isDestructive, id } = step;
  const { bold, dim, yellow } = style;
  const mark = isDestructive ? yellow('!') : ' ';
  const time = expectedMs === undefined ? '' : dim(`  ${formatDuration(expectedMs)}`);
  return [
    `  ${mark} ${String(number).padStart(2)}. ${bold(printable(title))}${time}  ${dim(id)}`,
    `      where    ${printable(target)}`,
    ...byHand(step).map((line) => `      by hand  ${printable(line)}`),
    ...commands.map(
      (command) => `      command  ${printable(command.map(quoteArgument).join(' '))}`,
    ),
    ...(undo === undefined ? [] : [`      undo     ${printable(undo)}`]),
    ...(approval === undefined ? [] : [`      allowed  ${approvalText(approval)}`]),
  ];
}

/** What no command does. */
function byHand({ kind, input }: Step): readonly string[] {
  return kind === 'manual' ? String(input.instruction).split('\n') : [];
}

function approvalText({ authority, typed, persons, question }: Approval): string {
  const who = persons === 2 ? `${authority} by two people` : authority;
  const how = typed === undefined ? '' : `, typing ${JSON.stringify(typed)}`;
  // What a person does stands above, line by line.
  const [first = ''] = question.split('\n');
  return printable(`${who}${how}: ${first.replace(/:$/, '')}`);
}

function timeText({ durationMs, unmeasured = [] }: Prediction, steps: readonly Step[]): string {
  const isByHand = steps.some(({ kind }) => kind === 'manual' || kind === 'clearance');
  const people = isByHand ? '; and as long as people take' : '';
  if (durationMs === undefined) return `nothing like it was ever measured here${people}`;
  const rest =
    unmeasured.length === 0 ? '' : `, without what was never measured: ${unmeasured.join(', ')}`;
  return `${formatDuration(durationMs)} until services write again${rest}${people}`;
}

function lossText(
  { loss, lossMs, missedRpoMs }: Prediction,
  { green, yellow, red }: Style,
): string {
  if (missedRpoMs !== undefined) return red(printable(loss));
  return lossMs === 0 ? green(loss) : yellow(printable(loss));
}

function labelled(label: string, lines: readonly string[]): readonly string[] {
  return lines.map((line, at) => `  ${(at === 0 ? label : '').padEnd(8)} ${printable(line)}`);
}

function describeAlternative(
  { method, fits, reason, predicted }: Alternative,
  { green, dim }: Style,
): string {
  if (!fits || predicted === undefined) return dim(`  · ${method}: ${printable(reason)}`);
  const { durationMs, loss } = predicted;
  const time = durationMs === undefined ? 'never measured' : formatDuration(durationMs);
  return `  ${green('·')} ${method}: ${printable(reason)}; ${time}, loss ${printable(loss)}`;
}
