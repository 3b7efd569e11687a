import type { RetentionSetting } from '../../config/index.ts';
import { LifeboatError } from '../../core/index.ts';

/** What `init` proposes. */
export const proposedRetention = 'daily 30, weekly 12, monthly 12, yearly 7';

const counted = ['last', 'hourly', 'daily', 'weekly', 'monthly', 'yearly'];

/** `daily 30, monthly 12`, as in the configuration but without its signs; `all`: nothing is forgotten. Errors: `usage.invalid`. */
export function parseRetentionText(text: string): RetentionSetting | undefined {
  const parts = text
    .split(',')
    .map((part) => part.trim().toLowerCase())
    .filter(Boolean);
  if (parts.length === 1 && parts[0] === 'all') return undefined;
  const rules = parts.map((part) => {
    const [, rule = '', value = ''] = /^([a-z]+)[ :=]+(\S+)$/.exec(part) ?? [];
    if (rule === 'within' && /^(?=.)(\d{1,6}y)?(\d{1,6}m)?(\d{1,6}d)?(\d{1,6}h)?$/.test(value)) {
      return [rule, value] as const;
    }
    if (counted.includes(rule) && value === 'unlimited') return [rule, 'unlimited'] as const;
    if (counted.includes(rule) && /^[1-9]\d{0,5}$/.test(value)) {
      return [rule, Number(value)] as const;
    }
    throw notUnderstood(part);
  });
  if (rules.length === 0) throw notUnderstood(text);
  return Object.fromEntries(rules);
}

function notUnderstood(text: string): LifeboatError {
  return new LifeboatError('usage.invalid', `cannot keep snapshots by ${JSON.stringify(text)}`, {
    hint: `Write rules such as "${proposedRetention}" (last, hourly, daily, weekly, monthly, yearly with a number; within with a span such as 14d), or "all" to forget nothing.`,
  });
}
