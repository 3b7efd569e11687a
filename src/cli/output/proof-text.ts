import { formatBytes, formatDuration } from '../../core/index.ts';
import type {
  CheckResult,
  Corruption,
  RestoredValidation,
  StoredIntegrityReport,
  StoredProof,
} from '../../recovery/index.ts';
import { formatMoment } from '../moment.ts';
import { countOf } from './count.ts';
import { printable } from './printable.ts';
import type { Style } from './style.ts';

const problemsShown = 10;

/** What `prove` says of a proof, with its evidence. */
export function describeProof(proof: StoredProof, style: Style): string {
  return [
    ...describePoint(proof, style),
    ...proof.checks.filter(isWorthTelling).flatMap((check) => describeCheck(check, style)),
    ...describeCorruption(proof.corruption ?? [], style),
    ...describeFigures(proof, style),
  ].join('\n');
}

/** What `integrity` says of the live server. */
export function describeIntegrity(report: StoredIntegrityReport, style: Style): string {
  const { source, verdict, checks, corruption = [], durationMs, position, id } = report;
  const { green, red, bold, dim } = style;
  const head =
    verdict === 'passed'
      ? `${green('✓')} ${soundness(`the data of ${bold(source)}`, checks)}`
      : `${red('✗')} the data of ${bold(source)} is not sound`;
  return [
    `${head} ${dim(`(the live server, at ${position})`)}`,
    '',
    ...checks.filter(isWorthTelling).flatMap((check) => describeCheck(check, style)),
    ...describeCorruption(corruption, style),
    '',
    dim(`  ${formatDuration(durationMs)}; kept in the repository as record ${id.slice(0, 8)}`),
  ].join('\n');
}

/** What `restore` says of the data that it hands over; undefined: nobody could look. */
export function describeValidation(
  validation: RestoredValidation | undefined,
  style: Style,
): readonly string[] {
  const { red, green, yellow } = style;
  if (validation === undefined || validation.verdict === 'not-checked') {
    const why = validation?.error === undefined ? '' : `: ${validation.error.message}`;
    return [`  ${yellow('–')} the data was not checked${why}`];
  }
  const { level, verdict, checks, durationMs } = validation;
  const how = `${level} validation, ${formatDuration(durationMs)}`;
  return [
    verdict === 'passed'
      ? `  ${green('✓')} ${soundness('the data', checks)} (${how})`
      : `  ${red('✗')} the data is not sound (${how}); the folder stays as it is`,
    ...checks
      .filter(isWorthTelling)
      .flatMap((check) => describeCheck(check, style))
      .map((line) => `  ${line}`),
  ];
}

/** What was not looked at is not called sound. */
function soundness(what: string, checks: readonly CheckResult[]): string {
  const left = checks.filter((each) => isWorthTelling(each) && each.verdict === 'not-checked');
  if (left.length === 0) return `${what} is sound`;
  return `no damage found in ${what}; ${countOf(left.length, 'check')} could not be made`;
}

/** A database without foreign keys need not hear that none is broken. */
function isWorthTelling({ objects, problems, notChecked }: CheckResult): boolean {
  return objects + problems.length + notChecked.length > 0;
}

function describePoint(proof: StoredProof, { green, red, dim, bold }: Style): readonly string[] {
  const { source, verdict, error, reachedTime, reachedLsn, snapshot } = proof;
  const head =
    verdict === 'passed'
      ? `${green('✓')} ${bold(source)} is proven`
      : `${red('✗')} ${bold(source)} is not proven`;
  if (error !== undefined) {
    return [
      `${head}: ${proof.target} could not be restored`,
      `    ${red(error.message)} ${dim(`[${error.code}]`)}`,
      ...(error.hint === undefined ? [] : [`    ${error.hint}`]),
    ];
  }
  const moment = reachedTime === undefined ? '' : ` as of ${formatMoment(new Date(reachedTime))}`;
  const base = snapshot === undefined ? '' : `snapshot ${snapshot.slice(0, 8)}, `;
  return [`${head}${moment} ${dim(`(${base}replayed up to ${reachedLsn})`)}`, ''];
}

function describeCheck(check: CheckResult, { green, red, yellow, dim }: Style): readonly string[] {
  const { verdict, title, looked, bytes, problems, moreProblems = 0, notChecked } = check;
  const mark = { passed: green('✓'), failed: red('✗'), 'not-checked': yellow('–') }[verdict];
  const size = bytes > 0 ? `, ${formatBytes(bytes)}` : '';
  const shown = problems.slice(0, problemsShown);
  const more = problems.length - shown.length + moreProblems;
  return [
    `  ${mark} ${title}  ${dim(verdict === 'not-checked' ? 'not checked' : `${looked}${size}`)}`,
    ...shown.map(({ object, problem }) => `      ${red(printable(object))}: ${printable(problem)}`),
    ...(more > 0
      ? [`      ${red(`and ${countOf(more, 'more problem')}`)} (--json names them)`]
      : []),
    ...[...Map.groupBy(notChecked, ({ why }) => why)].map(([why, all]) => {
      const what = all.map((each) => each.what).join(', ');
      return yellow(`      not checked: ${printable(what)}: ${printable(why)}`);
    }),
  ];
}

/** When the damage began, as far as the snapshots tell. */
export function describeCorruption(
  pages: readonly Corruption[],
  { yellow, green }: Style,
): readonly string[] {
  return pages.map(({ object, block, intact, damaged }) => {
    const page = `block ${block} of ${printable(object)}`;
    const since =
      damaged === undefined ? '' : `; damaged since ${formatMoment(new Date(damaged.time))}`;
    if (intact === undefined) return `  ${yellow('!')} no snapshot holds ${page} intact${since}`;
    return `  ${green('·')} snapshot ${intact.snapshot.slice(0, 8)} of ${formatMoment(new Date(intact.time))} holds ${page} intact${since}`;
  });
}

function describeFigures(proof: StoredProof, { dim }: Style): readonly string[] {
  const { phases, rtoMs, rpo, id } = proof;
  const parts = phases.map(({ phase, durationMs }) => `${phase} ${formatDuration(durationMs)}`);
  const loss =
    rpo === undefined
      ? []
      : [`data loss (RPO) ${rpo.isAtMost ? 'at most ' : ''}${formatDuration(rpo.durationMs)}`];
  const time = `recovery time (RTO) ${formatDuration(rtoMs)}`;
  return [
    '',
    `  measured: ${[time, ...loss].join(', ')}  ${dim(parts.join(', '))}`.trimEnd(),
    dim(`  kept in the repository as proof ${id.slice(0, 8)}`),
  ];
}
