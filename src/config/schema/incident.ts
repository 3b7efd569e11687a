import { z } from 'zod';

/** How bad a loss is: P0 is the worst. Also known as SEV1 to SEV4. */
export type Severity = 'P0' | 'P1' | 'P2' | 'P3';

/** What kind of loss it is, as far as it is known. */
export type LossType =
  | 'corruption'
  | 'accidental-deletion'
  | 'backup-failure'
  | 'hardware'
  | 'software-bug'
  | 'malicious'
  | 'storage'
  | 'failed-migration';

export const incidents = z.strictObject({
  classifyBy: z
    .literal(['extent', 'environment'])
    .optional()
    .describe(
      'What the proposed severity follows: how much is lost (extent), or where (environment: P0 and P1 are production, P2 is staging and development). Default: extent.',
    ),
});

export type IncidentsFile = z.infer<typeof incidents>;
