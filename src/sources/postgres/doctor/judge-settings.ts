import { ok, problem, warning } from './finding.ts';
import type { Judge } from './judge-server.ts';

/** What the server writes, and how. On a standby some of it is decided by the primary. */
export const settingJudges: readonly Judge[] = [
  ({ walLevel }) =>
    walLevel === 'minimal'
      ? problem(
          'wal_level',
          'wal_level is minimal: the log does not hold all changes',
          "As a superuser: ALTER SYSTEM SET wal_level = 'replica'; then restart the server.",
        )
      : ok('wal_level', `wal_level is ${walLevel}`),
  ({ walSendersMax, walSendersUsed }) => {
    const free = walSendersMax - walSendersUsed;
    const fact = `${walSendersUsed} of ${walSendersMax} WAL senders are in use`;
    if (free >= 2) return ok('max_wal_senders', fact);
    // One streams, a second one backs up at the same time.
    const remedy = `As a superuser: ALTER SYSTEM SET max_wal_senders = ${walSendersMax + 4}; then restart the server (a standby of it first: it may not have fewer).`;
    return problem('max_wal_senders', `${fact}; Lifeboat needs two`, remedy);
  },
  ({ fullPageWrites, inRecovery }) =>
    fullPageWrites
      ? ok('full_page_writes', 'full_page_writes is on')
      : problem(
          'full_page_writes',
          'full_page_writes is off: a base backup may hold torn pages that nothing repairs',
          `As a superuser${inRecovery ? ', at the primary' : ''}: ALTER SYSTEM SET full_page_writes = on; SELECT pg_reload_conf();`,
        ),
  ({ fsync }) =>
    fsync
      ? undefined
      : warning(
          'fsync',
          'fsync is off: a crash of the server can destroy the database',
          'As a superuser: ALTER SYSTEM SET fsync = on; SELECT pg_reload_conf();',
        ),
  ({ checksums }) =>
    checksums
      ? ok('checksums', 'page checksums are on: every backup verifies every page')
      : warning(
          'checksums',
          'page checksums are off: silent damage of the disk goes unnoticed',
          'Stop the server (and its standbys) at a good time and run on each: pg_checksums --enable -D DATA_FOLDER; then start them again.',
        ),
  ({ archiveMode, archiverFails }) => {
    if (archiveMode === 'off') {
      return ok('archive_mode', 'archive_mode is off: streaming needs no archive');
    }
    if (!archiverFails) return ok('archive_mode', `archive_mode is ${archiveMode}, and it works`);
    return warning(
      'archive_mode',
      `archive_mode is ${archiveMode}, and its command fails: the server keeps all WAL until its disk is full`,
      "Correct archive_command (the server's log says why it fails), or, where streaming is enough: ALTER SYSTEM SET archive_mode = 'off'; then restart the server.",
    );
  },
  ({ summarizeWal }) => {
    if (summarizeWal === null) return undefined;
    if (summarizeWal !== 'on') {
      return ok('summarize_wal', 'summarize_wal is off: Lifeboat does not need it');
    }
    return warning(
      'summarize_wal',
      "summarize_wal is on, which Lifeboat does not need; PostgreSQL's own incremental backups that were made with it before the updates of 12 November 2026 (18.7) may be corrupt",
      'If nothing else uses it: ALTER SYSTEM SET summarize_wal = off; SELECT pg_reload_conf(); If you keep such incremental backups: update the server, take a new full one, trust no old one.',
    );
  },
];

/** What is special about a standby as a source. */
export const standbyJudges: readonly Judge[] = [
  ({ inRecovery, receives }) => {
    if (!inRecovery) return undefined;
    if (receives) return ok('standby', 'the server is a standby: backups and log come from it');
    return warning(
      'standby',
      'the server is a standby that receives nothing from a primary just now: the log is as old as what it has',
      'See primary_conninfo of the standby, and its log.',
    );
  },
  ({ inRecovery, hotStandbyFeedback }) =>
    !inRecovery || hotStandbyFeedback
      ? undefined
      : warning(
          'hot_standby_feedback',
          'hot_standby_feedback is off: the primary may cancel the counting of rows, and logical dumps, with "conflict with recovery"',
          'As a superuser, on the standby: ALTER SYSTEM SET hot_standby_feedback = on; SELECT pg_reload_conf(); (vacuum of the primary then waits for the longest query here)',
        ),
];
