import { formatDuration } from '../../core/index.ts';
import type { IntegrityStatus, ProofStatus } from '../../service/index.ts';
import { formatMoment } from '../moment.ts';
import { countOf } from './count.ts';
import { printable } from './printable.ts';
import { describeCorruption } from './proof-text.ts';
import type { Style } from './style.ts';

const failuresShown = 5;
type Span = NonNullable<ProofStatus['coverage']>['unproven'][number];

/** Indented lines below a source: the last proof, what it covers, and what nobody tried. */
export function describeProofs(seen: ProofStatus, style: Style): readonly string[] {
  return [...describeLast(seen, style), ...describePassed(seen, style), ...unproven(seen, style)];
}

function describeLast({ last, needsAttention }: ProofStatus, style: Style): readonly string[] {
  const { red, dim } = style;
  if (last === undefined) {
    return [needsAttention ? `  ${red('✗')} no proof yet` : `  ${dim('·')} never proven`];
  }
  if (last.verdict === 'passed') return [];
  return [
    `  ${red('✗')} last proof ${formatDuration(last.ageMs)} ago failed: ${countOf(last.failures.length, 'problem')}`,
    ...describeFailures(last.failures),
  ];
}

function describeFailures(failures: readonly string[]): readonly string[] {
  const shown = failures.slice(0, failuresShown).map((each) => `      ${printable(each)}`);
  const more = failures.length - shown.length;
  return [...shown, ...(more > 0 ? [`      and ${countOf(more, 'more problem')}`] : [])];
}

/** Indented lines below a source: what the last check of the live server found. */
export function describeIntegrityStatus(
  { verdict, ageMs, failures, corruption }: IntegrityStatus,
  style: Style,
): readonly string[] {
  const { green, red } = style;
  const ago = `${formatDuration(ageMs)} ago`;
  if (verdict === 'passed') return [`  ${green('✓')} data of the live server sound ${ago}`];
  return [
    `  ${red('✗')} data of the live server damaged, seen ${ago}: ${countOf(failures.length, 'problem')}`,
    ...describeFailures(failures),
    ...describeCorruption(corruption, style).map((line) => `    ${line}`),
  ];
}

function describePassed(seen: ProofStatus, style: Style): readonly string[] {
  const { passed, needsAttention } = seen;
  const { green, yellow, red, dim } = style;
  if (passed === undefined) return [];
  const { time, expires, isExpired, reachedLsn, reachedTime, rtoMs, rpo } = passed;
  const mark = isExpired ? (needsAttention ? red('✗') : yellow('!')) : green('✓');
  const moment = reachedTime === undefined ? '' : ` up to ${formatMoment(new Date(reachedTime))}`;
  const validity = `${isExpired ? 'expired' : 'counts until'} ${formatMoment(expires)}`;
  const loss =
    rpo === undefined
      ? ''
      : `, loss ${rpo.isAtMost ? 'at most ' : ''}${formatDuration(rpo.durationMs)}`;
  return [
    `  ${mark} proven ${formatMoment(time)}${moment} ${dim(`(${reachedLsn})`)}; ${validity}`,
    dim(`      measured: recovery in ${formatDuration(rtoMs)}${loss}`),
  ];
}

function unproven({ coverage, passed }: ProofStatus, { dim }: Style): readonly string[] {
  if (coverage === undefined || passed === undefined || coverage.unproven.length === 0) return [];
  return [dim(`      unproven: ${coverage.unproven.map(describeSpan).join('; ')}`)];
}

/** For people: times where they are known. */
export function describeSpan({ from, to, fromLsn, toLsn }: Span): string {
  const edge = (time: Date | undefined, lsn: string) =>
    time === undefined ? lsn : formatMoment(time);
  if (fromLsn === toLsn) return edge(from, fromLsn);
  return `${edge(from, fromLsn)} to ${edge(to, toLsn)}`;
}
