import { z } from 'zod';
import { drift } from './drift.ts';
import { ground } from './ground.ts';
import {
  byteSize,
  connection,
  name,
  password,
  path,
  programs,
  schedule,
  target,
  timeSpan,
} from './parts.ts';
import { integrity, proofs, userChecks } from './proofs.ts';
import { environment } from './recovery.ts';
import { retention } from './retention.ts';
import { withRole } from './roles.ts';

const rescue = z.strictObject({
  connection: connection.describe('A role that may insert into the damaged tables.'),
  password: password.optional().describe('Password of that role.'),
});

/** Every kind has these. */
const common = {
  repository: name
    .optional()
    .describe('Repository to use; may be left out when there is only one that is no copy.'),
  backup: schedule
    .optional()
    .describe('When `serve` takes a backup: a cron expression such as "0 2 * * *".'),
  retention: retention
    .optional()
    .describe('Which snapshots of this source `serve` keeps. Default: as its repository says.'),
  environment: environment
    .optional()
    .describe('How much is at stake. Steers what is asked and frozen. Default: production.'),
  objectives: z
    .strictObject({
      rto: timeSpan
        .optional()
        .describe('How long a recovery may take, from the loss on. Default: nothing is promised.'),
      rpo: timeSpan
        .optional()
        .describe(
          'Writes of how long may be lost at most. Plans say when they give up more; `status` and `doctor` tell when the newest restore point is older. Default: nothing is promised.',
        ),
    })
    .optional()
    .describe('What is promised of its recovery; a run shows how much of it is left.'),
  ground: ground
    .optional()
    .describe(
      'Where `recover` puts it in place. Default: where the source itself is, when that is this host.',
    ),
};

const postgresSource = z.strictObject({
  kind: z.literal('postgres').describe('A PostgreSQL cluster, version 13 to 18.'),
  connection: connection.describe(
    'URL of the server, for example postgres://lifeboat@db:5432/shop. The role needs REPLICATION.',
  ),
  password: password.optional().describe('Password of the role, kept out of the URL.'),
  ...common,
  service: name
    .optional()
    .describe(
      'The service that is this server: restarted as the mildest remedy, stopped while its data is put in place. Default: a person does that.',
    ),
  slot: z
    .string()
    .regex(/^[a-z0-9_]{1,63}$/, { error: 'small letters, digits and _, at most 63 of them' })
    .optional()
    .describe('Name of the replication slot. Default: lifeboat_ and the name of the source.'),
  synchronous: z
    .literal(['off', 'remote_write', 'on'])
    .optional()
    .describe(
      'What commits of the server are meant to wait for: `remote_write` for the spool of this host, `on` for the repository. The server must be told by synchronous_standby_names, too. Default: off.',
    ),
  archive: z
    .strictObject({
      folder: path
        .optional()
        .describe(
          'Folder where the commands of the server meet `serve`. Default: archive/NAME in the state folder, as root /var/lib/lifeboat-archive/NAME.',
        ),
      account: z
        .string()
        .min(1)
        .optional()
        .describe(
          'Account that the database server runs as, when `serve` runs as root. Default: postgres.',
        ),
      only: z
        .literal(true)
        .optional()
        .describe('WAL comes this way alone: no replication slot, nothing is streamed.'),
    })
    .optional()
    .describe(
      'Take WAL from archive_command, too, and serve restore_command; for a server on the same host. `lifeboat archive` prints what to set.',
    ),
  slotMayRunAhead: z
    .boolean()
    .optional()
    .describe(
      'When the slot is nearly lost because the repository is away, let it follow the spool: WAL may then be on this host alone for a while. Never while commits may wait for the repository. Default: false.',
    ),
  local: withRole('path-or-word', z.string().min(1))
    .optional()
    .describe(
      "Whether a base backup reads the files of the data directory itself, faster than over the connection: `auto` (default) where they can be read here and are proven to be the server's, `never`, or the folder of the data directory as this host sees it, without which there is no backup.",
    ),
  alsoTo: z
    .array(name)
    .min(1)
    .optional()
    .describe(
      'Further repositories that base backups go to, fed by the same reading of the database. One that fails does not take the others along.',
    ),
  backupRate: byteSize
    .optional()
    .describe(
      'Most bytes of the database that a base backup reads per second, for example "50 MiB".',
    ),
  programs: programs
    .optional()
    .describe(
      'Folder with the server programs (postgres, initdb) of the same major version, for scratch servers. Default: looked for.',
    ),
  drift: drift.optional().describe('Which changes of tables `serve` and `status` tell of.'),
  rescue: rescue.optional().describe('How `rescue` writes. Default: the connection of the source.'),
  proofs: proofs
    .optional()
    .describe('When this source is proven. Default, option by option: the `proofs` of the file.'),
  integrity: integrity
    .optional()
    .describe('When the live server is checked. Default, option by option: that of the file.'),
  checks: userChecks.optional().describe('Queries that must hold in every proof.'),
});

const dumpSource = z.strictObject({
  kind: z
    .literal('postgres-dump')
    .describe(
      'Databases of a PostgreSQL server as logical dumps: for servers that allow no replication, or beside a `postgres` source.',
    ),
  connection: connection.describe(
    'URL of the server, for example postgres://lifeboat@db:5432/shop. The role must be able to read everything; it needs no REPLICATION.',
  ),
  password: password.optional().describe('Password of the role, kept out of the URL.'),
  ...common,
  databases: z
    .array(z.string().min(1))
    .min(1)
    .optional()
    .describe('Which databases. Default: every one that takes connections and is no template.'),
  programs: programs
    .optional()
    .describe('Folder with pg_dump, pg_dumpall and pg_restore. Default: looked for.'),
});

const texts = z.array(z.string().min(1));

/** What of the files is stored, and how; the same for every kind that holds files. */
const fileRules = {
  excludeIfPresent: texts
    .optional()
    .describe('Folders that hold a file of such a name are left out, but for that file.'),
  excludeCaches: z
    .boolean()
    .optional()
    .describe('Leave out folders that programs have marked as caches (CACHEDIR.TAG).'),
  largerThan: byteSize.optional().describe('Leave out files larger than this, such as "10 GiB".'),
  chunker: z
    .literal(['gear', 'rabin'])
    .optional()
    .describe(
      "How content is cut: `gear` (default, fast), or `rabin`, restic's own, for a repository that stock restic backs up the same files to.",
    ),
};

const filesSource = z.strictObject({
  kind: z.literal('files').describe('Folders and files of this machine.'),
  paths: z.array(path).min(1).describe('What is backed up.'),
  exclude: texts
    .optional()
    .describe(
      'Patterns as in .gitignore; one that begins with / is a path of the machine. What matches is left out.',
    ),
  excludeFiles: z.array(path).optional().describe('Files with such patterns, one a line.'),
  oneFileSystem: z
    .boolean()
    .optional()
    .describe('Do not go into other file systems mounted there.'),
  ...fileRules,
  ...common,
});

const volumeSource = z.strictObject({
  kind: z.literal('volume').describe('Files of a Docker volume.'),
  volume: withRole(
    'target',
    z
      .string()
      .regex(/^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/, { error: 'the name of a volume, as Docker takes it' }),
  ).describe('Name of the volume, such as shop_uploads.'),
  subfolder: z
    .string()
    .regex(/^(?!\.{0,2}$)(?!\.{0,2}\/)(?!.*\/\.{0,2}(\/|$))[^\n]+$/, {
      error: 'a folder relative to the root of the volume',
    })
    .optional()
    .describe('Folder in it that is backed up. Default: all of it.'),
  context: target.optional().describe('Docker context. Default: the current one.'),
  image: withRole('image', z.string().regex(/^[^-\s]\S*$/, { error: 'the name of an image' }))
    .optional()
    .describe(
      'Image of the container that reads or writes it where this host cannot; needs sh and tar. Default: that of a container that uses it.',
    ),
  exclude: texts
    .optional()
    .describe(
      'Patterns as in .gitignore; one that begins with / is a path in the volume. What matches is left out.',
    ),
  ...fileRules,
  ...common,
});

const kinds = [postgresSource, dumpSource, filesSource, volumeSource] as const;

export const source = z.discriminatedUnion('kind', kinds, {
  error: '"postgres", "postgres-dump", "files" or "volume"',
});

export type PostgresSourceFile = z.infer<typeof postgresSource>;
export type DumpSourceSetting = z.infer<typeof dumpSource>;
export type FilesSourceFile = z.infer<typeof filesSource>;
export type VolumeSourceFile = z.infer<typeof volumeSource>;
export type SourceFile = z.infer<typeof source>;
