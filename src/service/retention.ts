import { parseTimeSpan, type RetentionSetting } from '../config/index.ts';
import { parseRetentionDuration, type RetentionPolicy } from '../repository/index.ts';

/** The policy that the options of the configuration stand for. */
export function policyOf({ within, window, ...counts }: RetentionSetting): RetentionPolicy {
  const given = Object.entries(counts).filter(([, count]) => count !== undefined);
  const rules = Object.fromEntries(given) as RetentionPolicy;
  if (within !== undefined) return { ...rules, within: parseRetentionDuration(within) };
  const windowMs = windowMsOf({ window });
  const isAlone = given.every(([name]) => name === 'minimum');
  if (windowMs === undefined || !isAlone) return rules;
  // Without another rule nothing thins the snapshots of the window out.
  const hours = Math.ceil(windowMs / 3_600_000);
  return { ...rules, within: { years: 0, months: 0, days: 0, hours } };
}

/** How long any moment stays restorable. */
export function windowMsOf({ window }: Pick<RetentionSetting, 'window'>): number | undefined {
  return window === undefined ? undefined : parseTimeSpan(window);
}
