import { z } from 'zod';
import { parseByteSize } from './quantity.ts';

// Every option is described here and nowhere else: the descriptions go into docs/lifeboat.schema.json, and a
// test refuses an option without one.

const name = z.string().regex(/^[a-z0-9][a-z0-9_-]{0,47}$/, {
  error: 'a name of small letters, digits, - and _, at most 48 of them',
});

const password = z
  .union(
    [
      z.strictObject({
        file: z.string().min(1).describe('Path of a file whose first line is the password.'),
      }),
      z.strictObject({
        env: z.string().min(1).describe('Name of an environment variable with the password.'),
      }),
      z.strictObject({
        command: z
          .array(z.string().min(1))
          .min(1)
          .describe('Program and arguments; the first line it prints is the password. No shell.'),
      }),
      z.strictObject({
        prompt: z.literal(true).describe('Ask on the terminal. Not possible in a service.'),
      }),
    ],
    {
      error:
        'exactly one of { file: PATH }, { env: NAME }, { command: [PROGRAM, ...] }, { prompt: true }',
    },
  )
  .describe('Where a password comes from: a file, the environment, a command, or the terminal.');

const connection = z
  .string()
  .regex(/^postgres(ql)?:\/\//, { error: 'a URL such as postgres://user@host:5432/database' });

const repository = z.strictObject({
  location: z.string().min(1).describe('Folder of the repository.'),
  password: password.describe('Password of the repository. Without it nothing can be restored.'),
});

const rescue = z.strictObject({
  connection: connection.describe('A role that may insert into the damaged tables.'),
  password: password.optional().describe('Password of that role.'),
});

const postgresSource = z.strictObject({
  kind: z.literal('postgres').describe('A PostgreSQL cluster, version 13 to 18.'),
  connection: connection.describe(
    'URL of the server, for example postgres://lifeboat@db:5432/shop. The role needs REPLICATION.',
  ),
  password: password.optional().describe('Password of the role, kept out of the URL.'),
  repository: name
    .optional()
    .describe('Repository to use; may be left out when there is only one.'),
  backup: z
    .string()
    .min(1)
    .optional()
    .describe('When `serve` takes a base backup: a cron expression such as "0 2 * * *".'),
  slot: z
    .string()
    .regex(/^[a-z0-9_]{1,63}$/, { error: 'small letters, digits and _, at most 63 of them' })
    .optional()
    .describe('Name of the replication slot. Default: lifeboat_ and the name of the source.'),
  programs: z
    .string()
    .min(1)
    .optional()
    .describe(
      'Folder with the server programs (postgres, initdb) of the same major version, for scratch servers. Default: looked for.',
    ),
  rescue: rescue.optional().describe('How `rescue` writes. Default: the connection of the source.'),
});

export const configurationSchema = z.strictObject({
  name: z.string().min(1).max(100).describe('What is protected here, for people.'),
  repositories: z
    .record(name, repository)
    .refine((all) => Object.keys(all).length > 0, { error: 'at least one repository' })
    .describe('Where backups are kept, by name.'),
  sources: z.record(name, postgresSource).describe('What is protected, by name.'),
  state: z
    .string()
    .min(1)
    .optional()
    .describe(
      'Folder for the spool and the lock of the service. Default: $XDG_STATE_HOME/lifeboat, as root /var/lib/lifeboat.',
    ),
  scratch: z
    .string()
    .min(1)
    .optional()
    .describe(
      'Folder for scratch servers; needs room for a whole cluster. Default: the temporary folder.',
    ),
  spool: z
    .strictObject({
      limit: z
        .string()
        .refine((text) => parseByteSize(text) !== undefined, { error: 'a size such as "20 GiB"' })
        .optional()
        .describe(
          'Largest size of the WAL spool of each source while its repository cannot be reached.',
        ),
    })
    .optional()
    .describe('The local spool of WAL that is not durable in the repository yet.'),
});

export type PasswordSetting = z.infer<typeof password>;
export type RepositorySetting = z.infer<typeof repository>;
export type PostgresSourceSetting = z.infer<typeof postgresSource>;
export type ConfigurationFile = z.infer<typeof configurationSchema>;
