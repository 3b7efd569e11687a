import { formatCount } from '../../core/index.ts';
import type { RescuePlan } from '../../recovery/index.ts';
import { formatMoment } from '../moment.ts';
import { countOf } from './count.ts';
import { printable } from './printable.ts';
import type { Style } from './style.ts';

type Verdict = RescuePlan['tables'][number]['conflicts'][number]['reason'];

const verdicts: Readonly<Record<Verdict, string>> = {
  present: 'they are there',
  changed: 'a row with the same key but other values stands there now',
  taken: 'another row has a unique value of theirs now',
  orphan: 'the row they point at is gone',
  refused: 'a constraint of today forbids them',
  overtaken: 'another session took their place meanwhile',
};

export function verdictText(verdict: Verdict): string {
  return verdicts[verdict];
}

/** What a rescue will do, for people: where, and how many rows of which table. */
export function describeRescuePlan(plan: RescuePlan, { bold, dim, yellow }: Style): string {
  const when = formatMoment(new Date(plan.commitTime), { ms: true });
  const name = Math.max(5, ...plan.tables.map(({ table }) => printable(table).length));
  const row = (table: string, ...numbers: readonly string[]) =>
    `  ${table.padEnd(name)}${numbers.map((each) => each.padStart(15)).join('')}`;
  const lines = [
    bold(`Rescue into database ${plan.database} of ${plan.server}`),
    `  what transaction ${plan.xid} removed (committed ${when})`,
    '',
    dim(row('table', 'destroyed', 'already there', 'to put back')),
    ...plan.tables.flatMap((table) => [
      row(
        printable(table.table),
        formatCount(table.destroyed),
        formatCount(table.alreadyThere),
        formatCount(table.toPutBack),
      ),
      ...table.conflicts.map(({ reason, constraint, rows }) =>
        yellow(
          `    ${countOf(rows, 'row')} cannot: ${verdictText(reason)}${constraint ? ` (${constraint})` : ''}`,
        ),
      ),
    ]),
    ...plan.references.map(
      ({ table, columns, toPutBack }) =>
        `  ${printable(table)}: ${countOf(toPutBack, 'row')} will point again where they did (${printable(columns.join(', '))})`,
    ),
    ...plan.warnings.map((each) => yellow(`  ${each}`)),
  ];
  if (plan.triggers === 'owner') {
    lines.push(
      yellow(
        '  Tables with triggers are locked against writers while rows go in (not a superuser).',
      ),
    );
  }
  return `${lines.join('\n')}\n`;
}
