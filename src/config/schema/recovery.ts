import { z } from 'zod';
import { command, name, path, timeSpan } from './parts.ts';

/** How much is at stake: steers what is asked, and what is frozen. */
export const environment = z.literal(['production', 'staging', 'development']);

export const authority = z.literal([
  'execute',
  'accept-data-loss',
  'business-continuity',
  'security-clearance',
]);

const person = z.strictObject({
  accounts: z
    .array(z.string().min(1))
    .optional()
    .describe('Accounts of the system that are this person. Default: the one of the same name.'),
  may: z.array(authority).min(1).describe('What this person may allow.'),
});

const afterwards = z
  .strictObject({
    name: z.string().min(1).max(100).describe('What it is called in the plan.'),
    command: command.optional().describe('What is run, such as a migration or a switch of DNS.'),
    manual: z
      .string()
      .min(1)
      .optional()
      .describe('What a person has to do; the run waits until it was confirmed.'),
    isDone: command
      .optional()
      .describe(
        'Ends with 0 when it was done already. Asked after the command too, for ten seconds: one that says it did and did not has failed.',
      ),
    undo: command.optional().describe('What undoes it.'),
    within: timeSpan.optional().describe('How long it may take. Default: 10m.'),
  })
  .refine(({ command, manual }) => (command === undefined) !== (manual === undefined), {
    error: 'exactly one of command and manual',
  });

export const recovery = z.strictObject({
  people: z
    .record(name, person)
    .optional()
    .describe('Who may allow what. Without it whoever runs the command may allow everything.'),
  twoPersons: z
    .array(authority)
    .optional()
    .describe('What two different people must allow. Default: nothing.'),
  approvalWithin: timeSpan
    .optional()
    .describe('How long a step waits to be allowed before the run pauses. Default: 60m.'),
  maintenance: z
    .strictObject({
      on: command.describe('Shows the maintenance page.'),
      off: command.describe('Takes it away.'),
      isOn: command.optional().describe('Ends with 0 while it is shown.'),
    })
    .optional()
    .describe('The maintenance page, by commands.'),
  maintenanceFile: z
    .strictObject({
      page: path.describe('The maintenance page.'),
      at: path.describe('The file that it takes the place of; it is kept and put back.'),
    })
    .optional()
    .describe('The maintenance page, by a file that takes the place of another.'),
  frozenTooLong: timeSpan
    .optional()
    .describe('After how long a freeze is told of again and again. Default: 1h.'),
  isolate: z
    .array(z.strictObject({ name: z.string().min(1), command, undo: command.optional() }))
    .optional()
    .describe('What cuts compromised machines off: firewall and cloud commands.'),
  forensicCopies: z
    .array(z.strictObject({ name: z.string().min(1), command }))
    .optional()
    .describe('What takes images of disks before anything is changed.'),
  after: z.array(afterwards).optional().describe('What is done once the data is in place.'),
  credentials: z
    .array(
      z.strictObject({
        name: z.string().min(1).describe('What is to be changed: an API key, a token, an account.'),
        rotate: command.optional().describe('Changes it. Default: a person does.'),
      }),
    )
    .optional()
    .describe('Credentials that this file does not hold, to be changed after an intrusion.'),
  keepFormer: timeSpan.optional().describe('How long what was replaced is kept. Default: 24h.'),
  watch: timeSpan
    .optional()
    .describe('How long services are watched after they run again. Default: 10m.'),
});

export type RecoveryFile = z.infer<typeof recovery>;
export type Environment = z.infer<typeof environment>;
export type AuthorityName = z.infer<typeof authority>;
