import { z } from 'zod';
import { command, connection, path as filePath, password, timeSpan } from './parts.ts';
import { withRole } from './roles.ts';

const common = {
  name: z.string().min(1).max(100).optional().describe('What it is called in reports.'),
  within: timeSpan.optional().describe('How long it may take; more is a failure. Default: 10s.'),
};

const address = withRole(
  'server',
  z.url({ protocol: /^https?$/, error: 'an address such as http://localhost/health' }),
);
const scalars = [z.string(), z.number(), z.boolean(), z.null()] as const;
const value = z.union(scalars);
const path = z.string().regex(/^[^.[\]]+(\.[^.[\]]+|\[\d+\])*$/, {
  error: 'a path such as data.items[0].id',
});

const http = z.strictObject({
  ...common,
  http: address.describe('Address that is asked. Redirects are not followed.'),
  method: z
    .literal(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'])
    .optional()
    .describe('Default: GET, with `send` POST.'),
  headers: z
    .record(z.string().min(1), z.union([withRole('header', z.string()), password]))
    .optional()
    .describe('Headers; a value may come from a file, the environment or a command.'),
  send: z
    .record(z.string().min(1), z.union([withRole('sent', z.union(scalars)), password]))
    .optional()
    .describe(
      'Sent as a JSON object, such as a login. A value may come from a file, as a password.',
    ),
  status: z
    .int()
    .min(100)
    .max(599)
    .optional()
    .describe('Status it must answer with. Default: any of 200 to 299.'),
  contains: z.string().min(1).optional().describe('Text that must be in the answer.'),
  json: z
    .record(path, value)
    .optional()
    .describe('Values that must stand in the JSON answer, by path: `status: ok`, `data[0].id: 1`.'),
  has: z
    .array(path)
    .optional()
    .describe('Paths that must be in the JSON answer, with any value but null: `access_token`.'),
  ca: filePath.optional().describe('File with the certificates that are trusted.'),
});

const program = z.strictObject({
  ...common,
  command: command.describe('Program and arguments, no shell; must end with 0.'),
  prints: z.string().min(1).optional().describe('Text that must be in what it prints.'),
});

const sql = z.strictObject({
  ...common,
  sql: withRole('sql', z.string().min(1)).describe(
    'A query of PostgreSQL whose first value is looked at.',
  ),
  connection: connection.describe('URL of the role that the service uses.'),
  password: password.optional().describe('Password of that role.'),
  equals: value.optional().describe('The value is exactly this.'),
  atLeast: z.number().optional().describe('The value is a number, and no smaller.'),
  atMost: z.number().optional().describe('The value is a number, and no larger.'),
});

const redis = z.strictObject({
  ...common,
  redis: withRole(
    'server',
    z.url({ protocol: /^rediss?$/, error: 'a URL such as redis://localhost:6379/0' }),
  ).describe('A Redis server: a key of a minute is set, read and removed.'),
  password: password.optional().describe('Its password, kept out of the URL.'),
});

/** Something that must work for users. A bare address means: answers with 200 to 299. */
export const applicationCheck = z
  .union([address, http, program, sql, redis], {
    error:
      'an address, or one of { http: URL }, { command: [PROGRAM, ...] }, { sql: QUERY, connection: URL }, { redis: URL }',
  })
  .describe('An address that must answer with 200 to 299, or one of http, command, sql, redis.');

export type ApplicationCheckFile = z.infer<typeof applicationCheck>;
/** One that is spelled out: never a bare address. */
export type ApplicationCheckSetting = Exclude<ApplicationCheckFile, string>;
export type HttpCheckSetting = z.infer<typeof http>;
export type CommandCheckSetting = z.infer<typeof program>;
export type SqlCheckSetting = z.infer<typeof sql>;
export type RedisCheckSetting = z.infer<typeof redis>;
