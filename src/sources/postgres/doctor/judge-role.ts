import { quoteIdentifier } from '../protocol/server-error.ts';
import { ok, problem, warning } from './finding.ts';
import type { Judge } from './judge-server.ts';
import type { ServerFacts } from './server-facts.ts';

const connectionsMin = 5;
const soonMs = 30 * 86_400_000;

/** What the role may do. */
export const roleJudges: readonly Judge[] = [
  ({ mayReplicate, role }) =>
    mayReplicate
      ? ok('replication right', `the role ${role} may use the replication protocol`)
      : problem(
          'replication right',
          `the role ${role} may not use the replication protocol`,
          `As a superuser: ALTER ROLE ${quoteIdentifier(role)} REPLICATION;`,
        ),
  ({ connectionLimit, role }) =>
    connectionLimit < 0 || connectionLimit >= connectionsMin
      ? undefined
      : warning(
          'connection limit',
          `the role ${role} may have ${connectionLimit} connections at once; a backup beside the stream needs ${connectionsMin}`,
          `As a superuser: ALTER ROLE ${quoteIdentifier(role)} CONNECTION LIMIT -1;`,
        ),
  ({ validUntil, role }, _slot, now) =>
    validUntil === null || validUntil.getTime() - now.getTime() > soonMs
      ? undefined
      : warning(
          'password lifetime',
          `the password of the role ${role} is valid until ${validUntil.toISOString().slice(0, 16)}Z only`,
          `As a superuser: ALTER ROLE ${quoteIdentifier(role)} VALID UNTIL 'infinity';`,
        ),
  ({ mayReadAll, tablesUnreadable, role, version }) => {
    if (mayReadAll || tablesUnreadable === 0) {
      return ok('reading tables', `the role ${role} may read every table`);
    }
    const name = quoteIdentifier(role);
    const remedy =
      version >= 140_000
        ? `As a superuser: GRANT pg_read_all_data TO ${name};`
        : `As a superuser, in each database and for each schema: GRANT USAGE ON SCHEMA public TO ${name}; GRANT SELECT ON ALL TABLES IN SCHEMA public TO ${name}; and as the owner of the tables: ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO ${name};`;
    return warning(
      'reading tables',
      `the role ${role} may not read ${countOf(tablesUnreadable)}, so their rows are estimated`,
      remedy,
    );
  },
  ({ closedDatabases, role }) =>
    closedDatabases.length === 0
      ? undefined
      : warning(
          'databases',
          `the role ${role} may not connect to ${closedDatabases.join(', ')}: their tables stay without names`,
          `As a superuser: ${closedDatabases.map((each) => `GRANT CONNECT ON DATABASE ${quoteIdentifier(each)} TO ${quoteIdentifier(role)};`).join(' ')}`,
        ),
  ({ mayMonitor, role }) =>
    mayMonitor
      ? ok('monitoring', `the role ${role} sees settings and statistics`)
      : warning(
          'monitoring',
          `the role ${role} sees neither all settings nor what other sessions do`,
          `As a superuser: GRANT pg_monitor TO ${quoteIdentifier(role)};`,
        ),
];

/** Whether the role that `rescue` connects as may put rows back. */
export function judgeRescueRole({ role, tablesReadOnly, inRecovery }: ServerFacts) {
  const elsewhere =
    'in lifeboat.yaml, below the source: rescue: { connection: URL, password: { file: PATH } }';
  if (inRecovery) {
    return warning(
      'rescue role',
      'the server is a standby, and a rescue needs the primary',
      `Name the primary ${elsewhere}`,
    );
  }
  if (tablesReadOnly === 0) return ok('rescue role', `\`rescue\` may write as ${role}`);
  return warning(
    'rescue role',
    `the role ${role} may not write to ${countOf(tablesReadOnly)}, so \`rescue\` could not put rows back`,
    `Name their owner or a superuser ${elsewhere}`,
  );
}

function countOf(tables: number): string {
  return tables === 1 ? '1 table' : `${tables} tables`;
}
