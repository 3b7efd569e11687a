import { z } from 'zod';
import { timeSpan } from './parts.ts';

const count = z.union([z.int().min(0), z.literal('unlimited')], {
  error: 'a whole number or "unlimited"',
});
const span = z.string().regex(/^(?=.)(\d{1,6}y)?(\d{1,6}m)?(\d{1,6}d)?(\d{1,6}h)?$/, {
  error: 'years, months, days and hours such as "1y6m" or "14d"',
});
const newestOfEach = (period: string) =>
  count.optional().describe(`Keep the newest of each of so many ${period}.`);

export const retention = z
  .strictObject({
    last: count.optional().describe('Keep the newest so many.'),
    hourly: newestOfEach('hours'),
    daily: newestOfEach('days'),
    weekly: newestOfEach('weeks'),
    monthly: newestOfEach('months'),
    yearly: newestOfEach('years'),
    within: span
      .optional()
      .describe('Keep everything that is younger than this, counted from the newest: "14d".'),
    window: timeSpan
      .optional()
      .describe(
        'PostgreSQL: any moment of so long stays restorable, for example "30d"; older snapshots keep only the WAL that makes them consistent. Alone, every snapshot of that time stays.',
      ),
    minimum: z
      .int()
      .min(1)
      .optional()
      .describe(
        'The floor: so many newest of each source stay whatever the rules say. Default: 3.',
      ),
  })
  .refine(({ minimum: _, ...rules }) => Object.values(rules).some((rule) => rule !== 0), {
    error: 'at least one rule that keeps something, such as { daily: 30 }',
  });

/** Which snapshots to keep. */
export type RetentionSetting = z.infer<typeof retention>;
