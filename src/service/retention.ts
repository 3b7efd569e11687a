import type { RetentionSetting } from '../config/index.ts';
import { parseRetentionDuration, type RetentionPolicy } from '../repository/index.ts';

/** The policy that the options of the configuration stand for. */
export function policyOf({ within, ...counts }: RetentionSetting): RetentionPolicy {
  const given = Object.entries(counts).filter(([, count]) => count !== undefined);
  return {
    ...(Object.fromEntries(given) as RetentionPolicy),
    ...(within === undefined ? {} : { within: parseRetentionDuration(within) }),
  };
}
