import { z } from 'zod';
import { parseByteSize, parseTimeSpan } from '../quantity.ts';
import { withRole } from './roles.ts';

// What several groups of options are made of.

export const name = withRole(
  'name',
  z.string().regex(/^[a-z0-9][a-z0-9_-]{0,47}$/, {
    error: 'a name of small letters, digits, - and _, at most 48 of them',
  }),
);

/** A file or folder of this host. */
export const path = withRole('path', z.string().min(1));

/** A folder from which programs are started. */
export const programs = withRole('programs', z.string().min(1));

/** What of a platform is looked at, stopped, started or changed: its name there, and where that is. */
export const target = withRole('target', z.string().min(1));

/** A container is made of it, which is to say: a program of somebody else. */
export const image = withRole('image', z.string().min(1));

/** Program and arguments; no shell. Whatever is run is declared by this, or nobody is shown it before it runs on a new host. */
export const command = withRole('command', z.array(z.string().min(1)).min(1)).describe(
  'Program and arguments; no shell.',
);

export const password = z
  .union(
    [
      z.strictObject({
        file: path.describe('Path of a file whose first line is the password.'),
      }),
      z.strictObject({
        env: withRole('variable', z.string().min(1)).describe(
          'Name of an environment variable with the password.',
        ),
      }),
      z.strictObject({
        command: command.describe(
          'Program and arguments; the first line it prints is the password. No shell.',
        ),
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

/** A cron expression; whether it is one is found out where it is used. */
export const schedule = z.string().min(1);

export const byteSize = z
  .string()
  .refine((text) => parseByteSize(text) !== undefined, { error: 'a size such as "20 GiB"' });

export const timeSpan = z
  .string()
  .refine((text) => parseTimeSpan(text) !== undefined, { error: 'a span of time such as "30d"' });

/** A PostgreSQL server. */
export const connection = withRole(
  'server',
  z
    .string()
    .regex(/^postgres(ql)?:\/\//, { error: 'a URL such as postgres://user@host:5432/database' }),
);

export type PasswordSetting = z.infer<typeof password>;
