import { z } from 'zod';
import { timeSpan } from './parts.ts';

const http = z.strictObject({
  name: z.string().min(1).max(100).optional().describe('What it is called in proofs.'),
  http: z.url({ protocol: /^https?$/ }).describe('Address that is asked.'),
  status: z
    .int()
    .min(100)
    .max(599)
    .optional()
    .describe('Status it must answer with. Default: any of 200 to 299.'),
  within: timeSpan.optional().describe('How long an answer may take. Default: 10s.'),
});

/** Something outside of the database that must work. A bare address means: answers with 200 to 299. */
export const applicationCheck = z.union([
  z.url({ protocol: /^https?$/ }).describe('Address that must answer with a status of 200 to 299.'),
  http,
]);

export type ApplicationCheckFile = z.infer<typeof applicationCheck>;
