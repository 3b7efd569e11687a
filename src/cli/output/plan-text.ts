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
import { prose } from './prose.ts';
import type { Style } from './style.ts';

/** A plan for somebody who was asleep a minute ago: what and why first, then the steps, then the other ways. */
export function describePlan(plan: Plan, style: Style): string {
  const { id, method, mode, target, predicted, reasons, steps, sources } = plan;
  const { bold, dim, yellow } = style;
  const rehearsal = mode === 'drill' ? yellow(' (a rehearsal: nothing in use is touched)') : '';
  return [
    `${bold(`${sources.join(', ')}: ${methods[method].title}`)} ${dim(`(${method}, plan ${id})`)}${rehearsal}`,
    '',
    ...(target === undefined ? [] : [`  to       ${prose(target.text)}`]),
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
    ...reasons.map((reason) => `    ${prose(reason)}`),
    '',
    bold('What was considered'),
    ...alternatives.map(({ method, reason }) => `  ${dim('·')} ${method}: ${prose(reason)}`),
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
      return `  ${mark} ${prose(fact)}${where}\n      ${dim('→')} ${prose(remedy)}`;
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
    `  ${mark} ${String(number).padStart(2)}. ${bold(prose(title))}${time}  ${dim(id)}`,
    `      where    ${prose(target)}`,
    ...byHand(step).map((line) => `      by hand  ${prose(line)}`),
    ...commands.map(
      (command) => `      command  ${printable(command.map(quoteArgument).join(' '))}`,
    ),
    ...(undo === undefined ? [] : [`      undo     ${prose(undo)}`]),
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
  return prose(`${who}${how}: ${first.replace(/:$/, '')}`);
}

function timeText({ durationMs, unmeasured = [] }: Prediction, steps: readonly Step[]): string {
  const isByHand = steps.some(({ kind }) => kind === 'manual' || kind === 'clearance');
  const people = isByHand ? '; and as long as people take' : '';
  if (durationMs === undefined) return `nothing like it was ever measured here${people}`;
  const rest =
    unmeasured.length === 0 ? '' : `, without what was never measured: ${unmeasured.join(', ')}`;
  const least = unmeasured.length === 0 ? '' : 'at least ';
  return `${least}${formatDuration(durationMs)} until services write again${rest}${people}`;
}

/** `about 4.8 s`, `at least 4.8 s` where steps are not in the sum, `never measured`. */
export function shortTime({ durationMs, unmeasured = [] }: Prediction): string {
  if (durationMs === undefined) return 'never measured';
  return `${unmeasured.length === 0 ? 'about' : 'at least'} ${formatDuration(durationMs)}`;
}

function lossText(
  { loss, lossMs, missedRpoMs }: Prediction,
  { green, yellow, red }: Style,
): string {
  if (missedRpoMs !== undefined) return red(prose(loss));
  return lossMs === 0 ? green(prose(loss)) : yellow(prose(loss));
}

function labelled(label: string, lines: readonly string[]): readonly string[] {
  return lines.map((line, at) => `  ${(at === 0 ? label : '').padEnd(8)} ${prose(line)}`);
}

function describeAlternative(
  { method, fits, reason, predicted }: Alternative,
  { green, dim }: Style,
): string {
  if (!fits || predicted === undefined) return dim(`  · ${method}: ${prose(reason)}`);
  return `  ${green('·')} ${method}: ${prose(reason)}; ${shortTime(predicted)}, loss ${prose(predicted.loss)}`;
}
