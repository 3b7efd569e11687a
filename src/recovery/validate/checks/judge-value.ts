import { formatDuration } from '../../../core/index.ts';
import type { UnitOutcome } from '../check.ts';
import type { UserCheck } from '../user-check.ts';

/** Holds what a query gave against the rules of its check. */
export function judgeValue(
  check: UserCheck,
  rows: readonly { readonly value: string | null }[],
  against: { readonly former: number | undefined; readonly moment: Date },
): UnitOutcome {
  const [row] = rows;
  if (rows.length > 1) return { problems: ['the query gives more than one row'] };
  if (row === undefined) return { problems: ['the query gives no row'] };
  const text = row.value;
  if (text === null) return { problems: ['the query gives no value (null)'] };
  if (check.notOlderThanMs !== undefined) {
    return { problems: judgeAge(text, check.notOlderThanMs, against.moment) };
  }
  const problems: string[] = [];
  if (check.equals !== undefined && !isEqual(text, check.equals)) {
    problems.push(`it is ${text}, not ${check.equals}`);
  }
  const value = Number(text);
  const { atLeast, atMost, dropAtMost } = check;
  const wantsNumber = atLeast !== undefined || atMost !== undefined || dropAtMost !== undefined;
  if (!wantsNumber) return { problems };
  if (text.trim() === '' || Number.isNaN(value))
    return { problems: [...problems, `it is no number: ${text}`] };
  if (atLeast !== undefined && value < atLeast) problems.push(`it is ${text}, below ${atLeast}`);
  if (atMost !== undefined && value > atMost) problems.push(`it is ${text}, above ${atMost}`);
  const { former } = against;
  if (dropAtMost !== undefined && former !== undefined && value < former * (1 - dropAtMost)) {
    problems.push(
      `it is ${text}, more than ${percent(dropAtMost)} below ${former}, its value in the last proof that passed`,
    );
  }
  return { problems, value };
}

function judgeAge(epochText: string, notOlderThanMs: number, moment: Date): readonly string[] {
  const time = new Date(Number(epochText) * 1000);
  if (Number.isNaN(time.getTime())) return [`it is no time: ${epochText}`];
  const ageMs = moment.getTime() - time.getTime();
  if (ageMs <= notOlderThanMs) return [];
  return [
    `it is ${time.toISOString()}, ${formatDuration(ageMs)} before ${moment.toISOString()}; ${formatDuration(notOlderThanMs)} are allowed`,
  ];
}

function isEqual(text: string, wanted: number | string | boolean): boolean {
  if (typeof wanted === 'number') return Number(text) === wanted;
  return text === String(wanted);
}

function percent(share: number): string {
  return `${Math.round(share * 1000) / 10}%`;
}
