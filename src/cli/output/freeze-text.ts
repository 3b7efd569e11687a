import { formatDuration } from '../../core/index.ts';
import type {
  FreezeGap,
  FreezeItem,
  FreezeLook,
  FreezeOutcome,
  FreezeRecord,
  FrozenPlace,
  RepositoryProblem,
  ThawOutcome,
} from '../../recovery/index.ts';
import { formatMoment } from '../moment.ts';
import { countOf } from './count.ts';
import { printable } from './printable.ts';
import type { Style } from './style.ts';

export function describeFreezeLook(
  { record, isNew, places, notes, gaps }: FreezeLook,
  sources: readonly string[],
  host: string,
  style: Style,
): string {
  const { bold, dim, yellow } = style;
  const begun = isNew
    ? ''
    : ` (goes on with the one of ${formatMoment(new Date(record.startedAt))})`;
  return [
    `a freeze of ${bold(sources.join(', '))}, from the host ${bold(host)}${begun}:`,
    ...describePlaces(places, style),
    ...record.items.map((item) => {
      const done = item.state === 'done' ? dim(' (is so already)') : '';
      return `  ${dim('·')} ${printable(item.intent)}${done}${formerText(item, style)}`;
    }),
    ...(record.items.some(({ kind }) => kind === 'database')
      ? [`  ${dim('·')} end other sessions in these databases; replication and backups go on`]
      : []),
    ...notes.map((note) => `  ${dim(`note: ${printable(note)}`)}`),
    ...describeGaps(gaps, style),
    ...(gaps.length > 0 ? [yellow('  so the freeze will not be complete')] : []),
    dim('  `lifeboat thaw` puts all of it back as it is now'),
  ].join('\n');
}

function formerText(item: FreezeItem, { dim }: Style): string {
  if (item.kind !== 'service' || item.state === 'done') return '';
  const stays = item.former.status === 'stopped' ? ', and stays so after the thaw' : '';
  return dim(`  ${printable(item.former.text)}${stays}`);
}

function describePlaces(
  places: Readonly<Record<string, FrozenPlace>>,
  { bold }: Style,
): readonly string[] {
  return Object.entries(places).map(([name, { text }]) =>
    name.endsWith(text) ? `  ${bold(printable(name))}` : `  ${name}: ${bold(printable(text))}`,
  );
}

export function describeFreeze(
  { record, gaps, notes, changed, sessionsEnded, notCopied, durationMs }: FreezeOutcome,
  style: Style,
): string {
  const { green, yellow, dim } = style;
  const sources = record.sources.join(', ');
  const ended = sessionsEnded > 0 ? `, ${countOf(sessionsEnded, 'session')} ended` : '';
  const head =
    changed === 0 && sessionsEnded === 0
      ? `${sources}: frozen already, nothing was changed`
      : `${sources} frozen: ${countOf(changed, 'change')}${ended}, ${formatDuration(durationMs)}`;
  return [
    gaps.length === 0 ? `${green('✓')} ${head}` : yellow(`! ${head}, not completely`),
    ...describeGaps(gaps, style),
    ...notes.map((note) => dim(`  note: ${printable(note)}`)),
    ...describeNotCopied(notCopied, style),
    `  freeze ${record.id}; next: lifeboat thaw    ${dim('# when writers may go on')}`,
  ].join('\n');
}

export function describeGaps(
  gaps: readonly FreezeGap[],
  { yellow, dim }: Style,
): readonly string[] {
  return gaps.flatMap(({ what, remedy, sql = [] }) => [
    yellow(`  ! ${printable(what)}`),
    `      ${printable(remedy)}`,
    ...sql.map((each) => `      ${dim(printable(each))}`),
  ]);
}

export function describeThawLook(
  record: FreezeRecord,
  items: readonly FreezeItem[],
  from: 'here' | 'repositories' | 'services',
  style: Style,
): string {
  const { bold, dim, yellow } = style;
  const former = new Set(
    items.flatMap((item) => (item.kind === 'database' && item.isFormer ? [item.source] : [])),
  );
  return [
    thawHeading(record, from, bold(printable(record.sources.join(', ') || 'services'))),
    ...(record.tookOver ?? []).map(({ id, host }) =>
      dim(`  it goes on with the freeze ${printable(id)} of the host ${printable(host)}`),
    ),
    ...items.map((item) => {
      const problem =
        item.problem === undefined ? '' : dim(`  last time: ${printable(item.problem)}`);
      return `  ${dim('·')} ${printable(item.name)} ${dim(`on ${printable(item.place.text)}`)}: ${printable(backTo(item))}${problem}`;
    }),
    ...(record.holds ?? []).flatMap(({ source, run }) =>
      run !== undefined && items.some(({ sources }) => sources.includes(source))
        ? [
            yellow(
              `  ! run ${run} keeps ${printable(source)} frozen until its own thaw: lifeboat recover --status`,
            ),
          ]
        : [],
    ),
    ...[...former].map((each) =>
      yellow(
        `  ! ${printable(each)} is in use at another place: what is opened here is its former one, and what is written there is kept nowhere`,
      ),
    ),
  ].join('\n');
}

function thawHeading(
  { id, actor, host, startedAt }: FreezeRecord,
  from: 'here' | 'repositories' | 'services',
  what: string,
): string {
  if (from === 'services') {
    return `a thaw of ${what}: no record of a freeze is left; these services were stopped by one, and say what they were`;
  }
  const found = from === 'repositories' ? ', as a repository has it' : '';
  const since = formatMoment(new Date(startedAt));
  return `a thaw of ${what}: freeze ${id} of ${actor} on ${host}, since ${since}${found}`;
}

/** What it will be again. */
function backTo(item: FreezeItem): string {
  if (item.kind === 'service') return `back to "${item.former.text}"`;
  if (item.kind === 'database') return 'writable, with the rights and the limit it had';
  if (item.kind === 'maintenance-file') {
    return item.former === null ? 'away' : 'the former file back';
  }
  return item.former === 'on' ? 'stays, it was shown before' : 'away';
}

export function describeThaw(
  { record, thawed, failures, notes, notCopied, durationMs }: ThawOutcome,
  style: Style,
): string {
  const { green, red, yellow, dim } = style;
  const head = `${countOf(thawed.length, 'item')} thawed, ${formatDuration(durationMs)}`;
  const rest = record.sources.length > 0 ? `; still frozen: ${record.sources.join(', ')}` : '';
  return [
    failures.length === 0 ? `${green('✓')} ${head}${rest}` : yellow(`! ${head}${rest}`),
    ...failures.flatMap(({ item, problem, remedy }) => [
      `  ${red('✗')} ${printable(item)}: ${printable(problem)}`,
      `      ${printable(remedy)}`,
    ]),
    ...notes.map((note) => dim(`  note: ${printable(note)}`)),
    ...describeNotCopied(notCopied, style),
  ].join('\n');
}

function describeNotCopied(
  problems: readonly RepositoryProblem[],
  { yellow }: Style,
): readonly string[] {
  return problems.map(({ repository, problem }) =>
    yellow(`  ! the repository ${repository} does not have the record: ${printable(problem)}`),
  );
}
