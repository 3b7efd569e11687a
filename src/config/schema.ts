import { z } from 'zod';
import { incidents } from './schema/incident.ts';
import { byteSize, name, path, schedule } from './schema/parts.ts';
import { integrity, proofs } from './schema/proofs.ts';
import { recovery } from './schema/recovery.ts';
import { repository } from './schema/repository.ts';
import { retention } from './schema/retention.ts';
import { service } from './schema/service.ts';
import { source } from './schema/source.ts';
import { state } from './schema/state.ts';

// Every option is described in these files and nowhere else: the descriptions go into docs/lifeboat.schema.json, and a
// test refuses an option without one.

export const configurationSchema = z.strictObject({
  name: z.string().min(1).max(100).describe('What is protected here, for people.'),
  repositories: z
    .record(name, repository)
    .refine((all) => Object.keys(all).length > 0, { error: 'at least one repository' })
    .describe('Where backups are kept, by name.'),
  sources: z.record(name, source).describe('What is protected, by name.'),
  services: z
    .record(name, service)
    .optional()
    .describe('Programs that write to sources, by name: stopped for a recovery, started after it.'),
  recovery: recovery.optional().describe('How a recovery is run, and who may allow what.'),
  incidents: incidents.optional().describe('How incidents are classified.'),
  retention: retention
    .optional()
    .describe('Which snapshots `serve` keeps, where neither source nor repository says.'),
  proofs: proofs
    .optional()
    .describe('When the PostgreSQL sources are proven, where they say nothing themselves.'),
  integrity: integrity
    .optional()
    .describe('When live PostgreSQL servers are checked, where sources say nothing themselves.'),
  prune: schedule.optional().describe('When `serve` prunes each repository: a cron expression.'),
  check: schedule.optional().describe('When `serve` checks each repository: a cron expression.'),
  state: state
    .optional()
    .describe('Where this host, or several, remember what must survive a restart.'),
  scratch: path
    .optional()
    .describe(
      'Folder for scratch servers; needs room for a whole cluster. Default: the temporary folder.',
    ),
  spool: z
    .strictObject({
      limit: byteSize
        .optional()
        .describe(
          'Largest size of the WAL spool of each source while its repository cannot be reached.',
        ),
    })
    .optional()
    .describe('The local spool of WAL that is not durable in the repository yet.'),
});

export type ConfigurationFile = z.infer<typeof configurationSchema>;
