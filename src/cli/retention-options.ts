import { LifeboatError } from '../core/index.ts';
import {
  type KeepCount,
  parseRetentionDuration,
  type RetentionPolicy,
} from '../repository/index.ts';
import { tagList } from './snapshot-options.ts';

const counted = (what: string) => ({
  description: `keep the newest ${what}; n or unlimited`,
});
const spanned = (what: string) => ({
  description: `keep ${what} that long before the newest one: 1y6m14d12h`,
});

export const retentionOptions = {
  keepLast: { flags: '-l, --keep-last <n>', ...counted('n') },
  keepHourly: { flags: '--keep-hourly <n>', ...counted('of each of n hours') },
  keepDaily: { flags: '-d, --keep-daily <n>', ...counted('of each of n days') },
  keepWeekly: { flags: '-w, --keep-weekly <n>', ...counted('of each of n weeks') },
  keepMonthly: { flags: '-m, --keep-monthly <n>', ...counted('of each of n months') },
  keepYearly: { flags: '-y, --keep-yearly <n>', ...counted('of each of n years') },
  keepWithin: { flags: '--keep-within <span>', ...spanned('all') },
  keepWithinHourly: { flags: '--keep-within-hourly <span>', ...spanned('one an hour') },
  keepWithinDaily: { flags: '--keep-within-daily <span>', ...spanned('one a day') },
  keepWithinWeekly: { flags: '--keep-within-weekly <span>', ...spanned('one a week') },
  keepWithinMonthly: { flags: '--keep-within-monthly <span>', ...spanned('one a month') },
  keepWithinYearly: { flags: '--keep-within-yearly <span>', ...spanned('one a year') },
  keepTag: {
    flags: '--keep-tag <tags>',
    description: 'keep all with this tag; a,b: with both; given again: or',
    repeatable: true,
  },
  minimum: {
    flags: '--minimum <n>',
    description: 'the floor: so many newest of each group stay (default 3; with ids 1)',
  },
} as const;

type RetentionValues = {
  readonly [Name in keyof typeof retentionOptions]: Name extends 'keepTag'
    ? readonly string[] | undefined
    : string | undefined;
};

/** Undefined when no rule is given. Errors: `usage.invalid`. */
export function policyOf(values: RetentionValues): RetentionPolicy | undefined {
  const policy: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(values)) {
    if (value === undefined || !Object.hasOwn(retentionOptions, name) || name === 'minimum')
      continue;
    const rule = name.charAt(4).toLowerCase() + name.slice(5);
    if (name === 'keepTag') policy.tags = (value as readonly string[]).map(tagList);
    else if (name.startsWith('keepWithin')) policy[rule] = parseRetentionDuration(value as string);
    else policy[rule] = keepCount(name, value as string);
  }
  if (Object.keys(policy).length === 0) return undefined;
  const minimum = minimumOf(values.minimum);
  return { ...policy, ...(minimum === undefined ? {} : { minimum }) };
}

export function minimumOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,6}$/.test(text)) return Number(text);
  throw invalid(
    `--minimum ${JSON.stringify(text)} is no number`,
    'Write a whole number from 0 on.',
  );
}

function keepCount(name: string, text: string): KeepCount {
  if (text === 'unlimited') return 'unlimited';
  if (/^\d{1,6}$/.test(text)) return Number(text);
  const flag = `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
  throw invalid(
    `${flag} ${JSON.stringify(text)} is no number`,
    'Write a whole number, or unlimited.',
  );
}

function invalid(fact: string, hint: string): LifeboatError {
  return new LifeboatError('usage.invalid', fact, { hint });
}
