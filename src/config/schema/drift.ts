import { z } from 'zod';

/** A share of rows: `10%`. */
const share = z.string().regex(/^(100|\d{1,2})(\.\d+)?\s*%$/, { error: 'a share such as "10%"' });

export const drift = z.strictObject({
  dropAtMost: share
    .optional()
    .describe(
      'How many of its rows a table may lose within a day before it is told: a share such as "10%", the default.',
    ),
  ignore: z
    .array(z.string().min(1))
    .optional()
    .describe(
      'Tables that are not watched, such as "jobs", "public.jobs", "shop.public.*". Default: none.',
    ),
});

export type DriftFile = z.infer<typeof drift>;
