/** Exit codes of every command. An unknown code must be treated as a failure. */
export const ExitCode = {
  ok: 0,
  failed: 1,
  usage: 2,
  partlyDone: 3,
  noRepository: 10,
  locked: 11,
  wrongPassword: 12,
  cancelled: 130,
} as const;

/**
 * Every error the product can raise: its stable code, what it means, and the exit code it leads to.
 * Codes are public (they appear in `--json`); never rename one.
 */
export const errorCodes = {
  'usage.invalid': { exit: ExitCode.usage, meaning: 'the command line or an argument is wrong' },
  'config.invalid': { exit: ExitCode.usage, meaning: 'the configuration file is wrong' },
  'config.missing': { exit: ExitCode.usage, meaning: 'there is no configuration file' },
  'config.not-stored': {
    exit: ExitCode.failed,
    meaning: 'a repository holds no configuration that could be used',
  },
  'config.exists': { exit: ExitCode.usage, meaning: 'there is a configuration file already' },
  'secret.unavailable': { exit: ExitCode.failed, meaning: 'a password could not be read' },
  cancelled: { exit: ExitCode.cancelled, meaning: 'the user or a signal cancelled the work' },
  'disk.full': { exit: ExitCode.failed, meaning: 'a disk or quota is full' },
  'file.unreadable': { exit: ExitCode.failed, meaning: 'a file could not be read or written' },

  'location.file-missing': { exit: ExitCode.failed, meaning: 'a repository file is missing' },
  'location.unreachable': { exit: ExitCode.failed, meaning: 'the repository cannot be reached' },
  'location.refused': { exit: ExitCode.failed, meaning: 'the repository refused the request' },
  'repository.missing': { exit: ExitCode.noRepository, meaning: 'there is no repository there' },
  'repository.half-created': {
    exit: ExitCode.noRepository,
    meaning: 'a repository was begun there but never finished',
  },
  'repository.exists': { exit: ExitCode.failed, meaning: 'a repository exists there already' },
  'repository.unsupported': {
    exit: ExitCode.failed,
    meaning: 'the repository has a format version this program does not know',
  },
  'repository.wrong-password': {
    exit: ExitCode.wrongPassword,
    meaning: 'no key of the repository opens with this password',
  },
  'repository.locked': { exit: ExitCode.locked, meaning: 'somebody else holds a lock' },
  'repository.damaged': { exit: ExitCode.failed, meaning: 'stored bytes are not what was written' },
  'repository.blob-missing': { exit: ExitCode.failed, meaning: 'a blob is in no index' },
  'repository.snapshot-missing': { exit: ExitCode.failed, meaning: 'there is no such snapshot' },
  'key.missing': { exit: ExitCode.failed, meaning: 'there is no such key' },
  'key.refused': { exit: ExitCode.failed, meaning: 'this key must stay' },
  'retention.refused': {
    exit: ExitCode.failed,
    meaning: 'this would remove restore points that must stay',
  },
  'log.gap': { exit: ExitCode.failed, meaning: 'the log does not hold what was asked for' },
  'log.conflict': {
    exit: ExitCode.failed,
    meaning: 'other bytes are stored at this position of the log',
  },
  'record.invalid': { exit: ExitCode.failed, meaning: 'a record is damaged or wrongly signed' },

  'wal.invalid': { exit: ExitCode.failed, meaning: 'write-ahead log bytes do not parse' },
  'wal.unsupported': { exit: ExitCode.failed, meaning: 'a WAL version this program does not know' },

  'postgres.unreachable': { exit: ExitCode.failed, meaning: 'the server cannot be reached' },
  'postgres.refused': { exit: ExitCode.failed, meaning: 'the server refused the login' },
  'postgres.untrusted': {
    exit: ExitCode.failed,
    meaning: 'the certificate of the server is not trusted',
  },
  'postgres.no-replication': {
    exit: ExitCode.failed,
    meaning: 'the role may not use the replication protocol',
  },
  'postgres.unsupported': {
    exit: ExitCode.failed,
    meaning: 'a version of PostgreSQL that this program does not know',
  },
  'postgres.wal-level': { exit: ExitCode.failed, meaning: 'wal_level is too low' },
  'postgres.query': { exit: ExitCode.failed, meaning: 'the server answered with an error' },
  'postgres.connection-lost': { exit: ExitCode.failed, meaning: 'the connection broke' },
  'postgres.protocol': { exit: ExitCode.failed, meaning: 'the server sent something unexpected' },
  'postgres.slot-lost': {
    exit: ExitCode.failed,
    meaning: 'the replication slot is missing or the WAL it needs is gone',
  },
  'postgres.slot-endangered': {
    exit: ExitCode.failed,
    meaning: 'the server is about to give up WAL that was not fetched',
  },
  'postgres.slot-ahead': {
    exit: ExitCode.failed,
    meaning: 'the slot follows the spool, because the repository is too far behind',
  },
  'postgres.not-synchronous': {
    exit: ExitCode.failed,
    meaning: 'commits do not wait for Lifeboat although that is asked for',
  },
  'postgres.remote-apply': {
    exit: ExitCode.failed,
    meaning: 'commits wait for WAL to be applied, which Lifeboat never does',
  },
  'postgres.slot-busy': { exit: ExitCode.failed, meaning: 'another process uses the slot' },
  'postgres.other-cluster': {
    exit: ExitCode.failed,
    meaning: 'the server is not the cluster that was backed up under this name',
  },
  'postgres.old-primary': {
    exit: ExitCode.failed,
    meaning: 'the server is a former primary that the cluster has left behind',
  },
  'postgres.standby-behind': {
    exit: ExitCode.failed,
    meaning: 'the standby does not have yet what was received from another server',
  },
  'postgres.wrong-major': {
    exit: ExitCode.failed,
    meaning: 'the server programs do not match the data directory',
  },
  'postgres.no-programs': { exit: ExitCode.failed, meaning: 'no matching server programs found' },
  'postgres.no-client-programs': {
    exit: ExitCode.failed,
    meaning: 'no pg_dump and pg_restore that fit the server were found',
  },
  'postgres.start-failed': { exit: ExitCode.failed, meaning: 'a PostgreSQL server did not start' },
  'archive.refused': {
    exit: ExitCode.failed,
    meaning: 'a file that a server archived is not what its name says, or not its own',
  },
  'spool.filling': {
    exit: ExitCode.failed,
    meaning: 'the spool fills up because the repository does not take WAL',
  },
  'spool.locked': { exit: ExitCode.locked, meaning: 'another process streams into this spool' },
  'spool.damaged': {
    exit: ExitCode.failed,
    meaning: 'the spool folder is not what was left there',
  },
  'backup.incomplete': { exit: ExitCode.failed, meaning: 'the backup could not be completed' },
  'backup.damaged-pages': {
    exit: ExitCode.partlyDone,
    meaning: 'the backup is stored, but pages of the source were already damaged',
  },

  'volume.missing': { exit: ExitCode.failed, meaning: 'the Docker volume of a source is gone' },
  'volume.unreadable': {
    exit: ExitCode.failed,
    meaning: 'the files of a Docker volume cannot be read from this host',
  },
  'volume.unavailable': {
    exit: ExitCode.failed,
    meaning: 'Docker does not answer for the volume of a source',
  },

  'target.not-empty': { exit: ExitCode.failed, meaning: 'the target folder is not empty' },
  'target.unsafe': { exit: ExitCode.failed, meaning: 'a stored name would leave the target' },
  'target.outside-window': {
    exit: ExitCode.failed,
    meaning: 'the moment lies outside what can be recovered',
  },
  'target.in-use': { exit: ExitCode.failed, meaning: 'a server runs on the target folder' },
  'target.not-cluster': {
    exit: ExitCode.failed,
    meaning: 'the target folder is no data directory that can be restored over',
  },
  'target.behind': {
    exit: ExitCode.usage,
    meaning: 'the copy stands behind this moment already, and a replay only goes on',
  },
  'target.unknown': {
    exit: ExitCode.failed,
    meaning: 'the log holds no such transaction or restore point, or several',
  },
  'recovery.failed': { exit: ExitCode.failed, meaning: 'the recovery did not reach its target' },
  'rescue.no-suspect': { exit: ExitCode.failed, meaning: 'no such transaction in the log' },
  'rescue.unsupported': {
    exit: ExitCode.failed,
    meaning: 'this loss cannot be rescued row by row',
  },
  'rescue.conflict': {
    exit: ExitCode.partlyDone,
    meaning: 'some rows could not be put back because other rows stand in their place',
  },
  'rescue.failed': { exit: ExitCode.failed, meaning: 'the rescue was rolled back' },
  'dump.failed': { exit: ExitCode.failed, meaning: 'pg_dump or pg_dumpall failed' },
  'extract.missing': {
    exit: ExitCode.failed,
    meaning: 'the database, schema or table was not there at that moment',
  },
  'extract.exists': { exit: ExitCode.failed, meaning: 'the place to extract to is taken' },
  'extract.failed': {
    exit: ExitCode.failed,
    meaning: 'the parts could not be loaded; the target is as before',
  },
  'confirmation.missing': {
    exit: ExitCode.usage,
    meaning: 'a destructive command was not confirmed with the name of its target',
  },
  'platform.unavailable': {
    exit: ExitCode.failed,
    meaning: 'the program that drives services is missing, or may not',
  },
  'platform.failed': { exit: ExitCode.failed, meaning: 'a service could not be changed' },
  'platform.timeout': {
    exit: ExitCode.failed,
    meaning: 'a service did not become what was asked for in time',
  },
  'platform.other-place': {
    exit: ExitCode.failed,
    meaning: 'the commands would go to another host or cluster than was planned',
  },
  'ground.unavailable': { exit: ExitCode.failed, meaning: 'the place cannot be reached' },
  'ground.other-place': {
    exit: ExitCode.failed,
    meaning: 'the place is not the one that was planned',
  },
  'ground.no-room': { exit: ExitCode.failed, meaning: 'there is not enough room in the place' },
  'ground.failed': {
    exit: ExitCode.failed,
    meaning: 'the place did not take what was to be put there; what was there is as before',
  },
  'freeze.incomplete': {
    exit: ExitCode.partlyDone,
    meaning: 'something can still write to what was to be frozen',
  },
  'freeze.too-long': {
    exit: ExitCode.failed,
    meaning: 'something has been frozen for longer than it should be',
  },
  'thaw.incomplete': { exit: ExitCode.partlyDone, meaning: 'something is still frozen' },
  'thaw.nothing': {
    exit: ExitCode.failed,
    meaning: 'nothing is frozen, or no such freeze is known',
  },
  'assess.timeout': {
    exit: ExitCode.failed,
    meaning: 'a part of an assessment took longer than it may',
  },
  'incident.unknown': { exit: ExitCode.failed, meaning: 'there is no such incident' },
  'incident.closed': { exit: ExitCode.failed, meaning: 'the incident is closed already' },
  'plan.refused': { exit: ExitCode.failed, meaning: 'the plan cannot be carried out as it is' },
  'run.busy': { exit: ExitCode.locked, meaning: 'another run works on the same target' },
  'run.paused': { exit: ExitCode.partlyDone, meaning: 'the run waits for somebody' },
  'run.failed': { exit: ExitCode.failed, meaning: 'a step of the run failed; it stopped there' },
  'run.lease-lost': {
    exit: ExitCode.failed,
    meaning: 'another process has taken over the run',
  },
  'approval.refused': {
    exit: ExitCode.failed,
    meaning: 'the approval was declined, or not given by who may',
  },
  'service.running': { exit: ExitCode.locked, meaning: 'a service works with this state folder' },
  'demo.difference': { exit: ExitCode.failed, meaning: 'the demo did not get every row back' },
  bug: { exit: ExitCode.failed, meaning: 'a mistake in this program' },
} as const satisfies Record<string, { exit: number; meaning: string }>;

export type ErrorCode = keyof typeof errorCodes;
