import { z } from 'zod';
import { byteSize, name, password, path, schedule, timeSpan } from './parts.ts';
import { retention } from './retention.ts';
import { withRole } from './roles.ts';

export const repository = z.strictObject({
  location: withRole('location', z.string().min(1)).describe(
    'Where the repository lies: a folder, s3:https://host/bucket/prefix, gs:bucket:/prefix, rest:https://host/name/, rclone:remote:path.',
  ),
  password: password.describe('Password of the repository. Without it nothing can be restored.'),
  copyFrom: name
    .optional()
    .describe(
      'Name of the repository that `serve` and `copy` bring here: snapshots, logs, records.',
    ),
  copySchedule: schedule
    .optional()
    .describe(
      'When `serve` copies: a cron expression such as "30 4 * * *". Default: after each backup.',
    ),
  lock: timeSpan
    .optional()
    .describe(
      'Object lock: how long nobody, not even who holds the keys, can remove a snapshot, for example "30d". For s3: buckets with object lock.',
    ),
  lockMode: z
    .literal(['governance', 'compliance'])
    .optional()
    .describe(
      'Object lock: `compliance` (default) binds everybody, `governance` all but who may bypass it.',
    ),
  upload: byteSize.optional().describe('Most bytes to send per second, for example "10 MiB".'),
  download: byteSize.optional().describe('Most bytes to fetch per second.'),
  cache: z
    .strictObject({
      folder: path.optional().describe('Folder of the cache.'),
      size: byteSize.optional().describe('Most that it may take, of all repositories together.'),
      off: z.literal(true).optional().describe('No cache.'),
    })
    .optional()
    .describe(
      'Keeps indexes, trees and snapshots of a distant repository on a local disk. Default: lifeboat in ~/.cache, 2 GiB.',
    ),
  retention: retention
    .optional()
    .describe('Which snapshots `serve` keeps here. Default: the one for all.'),
  prune: schedule
    .optional()
    .describe('When `serve` removes what no snapshot needs: a cron expression.'),
  check: schedule.optional().describe('When `serve` checks this repository: a cron expression.'),
  checkData: z
    .string()
    .regex(/^(all|\d{1,3}(\.\d+)?%)$/, { error: '"all" or a share such as "5%"' })
    .optional()
    .describe('How much of the stored bytes a scheduled check reads. Default: none.'),
});

export type RepositoryFile = z.infer<typeof repository>;
