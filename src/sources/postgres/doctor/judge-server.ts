import { formatBytes } from '../../../core/index.ts';
import type { Finding } from '../../source.ts';
import type { ServerFacts } from './server-facts.ts';

const clockSkewMsMax = 2_000;
const heldBytesMax = 4 * 2 ** 30;

type Judge = (facts: ServerFacts, slot: string, now: Date) => Finding | undefined;

/** What is right and wrong with a server for protecting it, each with what to do. Pure. */
export function judgeServer(facts: ServerFacts, slot: string, now: Date): readonly Finding[] {
  return judges.map((judge) => judge(facts, slot, now)).filter((each) => each !== undefined);
}

const judges: readonly Judge[] = [
  ({ version }) => {
    const major = Math.floor(version / 10_000);
    const fact = `PostgreSQL ${major}.${version % 10_000}`;
    if (major >= 13 && major <= 18) return ok('version', fact);
    return problem('version', fact, 'Lifeboat protects PostgreSQL 13 to 18.');
  },
  ({ mayReplicate, role }) =>
    mayReplicate
      ? ok('replication right', `the role ${role} may use the replication protocol`)
      : problem(
          'replication right',
          `the role ${role} may not use the replication protocol`,
          `As a superuser: ALTER ROLE ${role} REPLICATION;`,
        ),
  ({ mayReadAll, role, version }) => {
    if (mayReadAll) return ok('reading tables', `the role ${role} may read every table`);
    const remedy =
      version >= 140_000
        ? `As a superuser: GRANT pg_read_all_data TO ${role};`
        : `As a superuser, in each database: GRANT SELECT ON ALL TABLES IN SCHEMA public TO ${role};`;
    return warning(
      'reading tables',
      `the role ${role} may not read every table, so their rows are estimated`,
      remedy,
    );
  },
  ({ closedDatabases, role }) =>
    closedDatabases.length === 0
      ? undefined
      : warning(
          'databases',
          `the role ${role} may not connect to ${closedDatabases.join(', ')}: their tables stay without names`,
          `As a superuser: GRANT CONNECT ON DATABASE ${closedDatabases[0]} TO ${role};`,
        ),
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
    const remedy = `As a superuser: ALTER SYSTEM SET max_wal_senders = ${walSendersMax + 4}; then restart the server.`;
    return problem('max_wal_senders', `${fact}; Lifeboat needs two`, remedy);
  },
  ({ slotsMax, slotsUsed, slot }) =>
    slot || slotsUsed < slotsMax
      ? ok('max_replication_slots', `${slotsUsed} of ${slotsMax} replication slots are in use`)
      : problem(
          'max_replication_slots',
          `all ${slotsMax} replication slots are in use`,
          `Drop a slot nobody needs, or as a superuser: ALTER SYSTEM SET max_replication_slots = ${slotsMax + 4}; then restart the server.`,
        ),
  ({ slot }, name) => {
    if (!slot) return ok('slot', `the slot ${name} does not exist yet; streaming makes it`);
    if (slot.type !== 'physical') {
      return problem(
        'slot',
        `the slot ${name} is ${slot.type}, not physical`,
        'Name another slot in the configuration.',
      );
    }
    if (slot.walStatus === 'lost') {
      return problem(
        'slot',
        `the slot ${name} is lost: the server has removed WAL that was not fetched`,
        'Run `lifeboat backup`; `lifeboat serve` does it by itself. Consider a larger max_slot_wal_keep_size.',
      );
    }
    const fact = `the slot ${name} is ${slot.active ? 'in use' : 'not in use'} and holds ${formatBytes(slot.heldBytes)} of WAL`;
    if (slot.heldBytes > heldBytesMax || slot.walStatus === 'unreserved') {
      return warning('slot', fact, 'Start `lifeboat serve`, so that the server can let go of it.');
    }
    return ok('slot', fact);
  },
  ({ slotWalKeepMb }) =>
    slotWalKeepMb === -1
      ? warning(
          'max_slot_wal_keep_size',
          'without a limit: while nobody streams, WAL can fill the disk of the server',
          "As a superuser: ALTER SYSTEM SET max_slot_wal_keep_size = '50GB'; SELECT pg_reload_conf(); (what its disk can spare)",
        )
      : ok(
          'max_slot_wal_keep_size',
          `the slot may hold back ${formatBytes(slotWalKeepMb * 2 ** 20)}`,
        ),
  ({ fullPageWrites }) =>
    fullPageWrites
      ? ok('full_page_writes', 'full_page_writes is on')
      : problem(
          'full_page_writes',
          'full_page_writes is off: a base backup may hold torn pages that nothing repairs',
          'As a superuser: ALTER SYSTEM SET full_page_writes = on; SELECT pg_reload_conf();',
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
          'Stop the server at a good time and run: pg_checksums --enable -D DATA_FOLDER',
        ),
  ({ inRecovery }) =>
    inRecovery
      ? warning(
          'primary',
          'the server is a standby: a rescue needs the primary',
          'Name the primary in the connection, or as `rescue: { connection }`.',
        )
      : undefined,
  ({ clock }, _slot, now) => {
    const skewMs = Math.abs(clock.getTime() - now.getTime());
    const fact = `the clocks differ by ${(skewMs / 1000).toFixed(1)} s`;
    if (skewMs <= clockSkewMsMax) return ok('clock', fact);
    return warning(
      'clock',
      fact,
      'Moments you type are compared with the clock of the server. Synchronise both with NTP.',
    );
  },
];

/** Whether the role that `rescue` connects as may put rows back. */
export function judgeRescueRole({ role, tablesReadOnly }: ServerFacts): Finding {
  if (tablesReadOnly === 0) return ok('rescue role', `\`rescue\` may write as ${role}`);
  const tables = tablesReadOnly === 1 ? '1 table' : `${tablesReadOnly} tables`;
  return warning(
    'rescue role',
    `the role ${role} may not write to ${tables}, so \`rescue\` could not put rows back`,
    'Name their owner or a superuser in lifeboat.yaml, below the source: rescue: { connection: URL, password: { file: PATH } }',
  );
}

export function ok(check: string, fact: string): Finding {
  return { check, outcome: 'ok', fact, remedy: '' };
}

export function warning(check: string, fact: string, remedy: string): Finding {
  return { check, outcome: 'warning', fact, remedy };
}

export function problem(check: string, fact: string, remedy: string): Finding {
  return { check, outcome: 'problem', fact, remedy };
}
