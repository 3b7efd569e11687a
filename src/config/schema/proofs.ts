import { z } from 'zod';
import { byteSize, schedule, timeSpan } from './parts.ts';
import { withRole } from './roles.ts';

export const proofs = z.strictObject({
  schedule: schedule
    .optional()
    .describe('When `serve` restores each source and checks it: a cron expression.'),
  validFor: timeSpan
    .optional()
    .describe('How long a proof counts; then `status` asks for a new one. Default: 8d.'),
});

export const integrity = z.strictObject({
  schedule: schedule
    .optional()
    .describe('When `serve` checks the data of each live server: a cron expression.'),
  rate: byteSize
    .optional()
    .describe('How much of a live server is read per second, such as "10 MiB". Default: 20 MiB.'),
});

const share = z
  .string()
  .regex(/^\d{1,3}(\.\d+)?%$/, { error: 'a share such as "5%"' })
  .refine((text) => Number.parseFloat(text) <= 100, { error: 'a share of at most 100%' });

export const userCheck = z
  .strictObject({
    name: z.string().min(1).max(100).describe('What it is called in proofs; unique per source.'),
    sql: withRole('sql', z.string().min(1)).describe(
      'A query that gives one row; its first column is the value.',
    ),
    database: z
      .string()
      .min(1)
      .optional()
      .describe('Where it is run. Default: the database of the connection.'),
    atLeast: z.number().optional().describe('The value is a number, and no smaller.'),
    atMost: z.number().optional().describe('The value is a number, and no larger.'),
    equals: z
      .union([z.number(), z.string(), z.boolean()])
      .optional()
      .describe('The value is exactly this.'),
    dropAtMost: share
      .optional()
      .describe('How far the value may lie below that of the last proof that passed: "5%".'),
    notOlderThan: timeSpan
      .optional()
      .describe('The value is a time, and no longer ago than this: "1h".'),
  })
  .refine(({ name: _, sql: __, database: ___, ...rules }) => Object.keys(rules).length > 0, {
    error: 'at least one of atLeast, atMost, equals, dropAtMost, notOlderThan',
  })
  .refine(
    ({ notOlderThan, atLeast, atMost, equals, dropAtMost }) =>
      notOlderThan === undefined || (atLeast ?? atMost ?? equals ?? dropAtMost) === undefined,
    { error: 'notOlderThan without rules for numbers: a time is none' },
  );

export const userChecks = z
  .array(userCheck)
  .refine((all) => new Set(all.map(({ name }) => name)).size === all.length, {
    error: 'a name of its own for each check',
  });

/** When proofs are made, and how long they count. */
export type ProofsFile = z.infer<typeof proofs>;
/** When and how fast the data of live servers is checked. */
export type IntegrityFile = z.infer<typeof integrity>;
/** A query of the user's that must hold in every proof. */
export type UserCheckSetting = z.infer<typeof userCheck>;
