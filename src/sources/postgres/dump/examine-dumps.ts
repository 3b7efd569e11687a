import { formatBytes, isLifeboatError } from '../../../core/index.ts';
import type { Finding } from '../../source.ts';
import { type ConnectionSettings, describeConnection } from '../connection-settings.ts';
import { ok, problem, warning } from '../doctor/finding.ts';
import { connectSql } from '../sql-connection.ts';
import { type DumpFacts, readDumpFacts } from './dump-facts.ts';
import { findClientPrograms } from './find-client-programs.ts';

/** Looks at what dumping a server depends on, and says what dumps cannot do. Changes nothing. */
export async function examineDumps(
  settings: {
    readonly connection: ConnectionSettings;
    readonly databases?: readonly string[];
    readonly programsFolder?: string;
  },
  signal?: AbortSignal,
): Promise<readonly Finding[]> {
  const { connection, databases, programsFolder } = settings;
  const findings: Finding[] = [];
  const attempt = async <Result>(check: string, work: () => Promise<Result>) => {
    try {
      return await work();
    } catch (error) {
      if (!isLifeboatError(error) || error.code === 'cancelled' || error.code === 'bug')
        throw error;
      findings.push(problem(check, error.message, error.hint ?? 'See that the server runs.'));
      return undefined;
    }
  };
  const facts = await attempt('connection', async () => {
    await using session = await connectSql(connection, signal ? { signal } : {});
    return await readDumpFacts(session, databases);
  });
  if (!facts) return findings;
  findings.push(ok('connection', `${describeConnection(connection)} answers`));
  findings.push(...judgeFacts(facts, connection.user));
  const programs = await attempt('client programs', () =>
    findClientPrograms(
      Math.floor(facts.version / 10_000),
      programsFolder ? { configuredFolder: programsFolder } : {},
    ),
  );
  if (programs) findings.push(ok('client programs', `${programs.pgDump} ${programs.version}`));
  findings.push(
    ok(
      'dumps only',
      'what can be restored is the moment of each dump: no moments in between, no find-loss, no rescue',
    ),
  );
  return findings;
}

function judgeFacts({ databases, readsAll, readsPasswords }: DumpFacts, user: string): Finding[] {
  const bytes = databases.reduce((sum, each) => sum + each.bytes, 0);
  const names = databases.map(({ name }) => name).join(', ');
  return [
    databases.length > 0
      ? ok('databases', `dumped are ${names} (${formatBytes(bytes)})`)
      : problem('databases', 'there is none to dump', 'Name some as `databases` of the source.'),
    readsAll
      ? ok('reads all', `${user} may read every table`)
      : warning(
          'reads all',
          `${user} may not read every table that may come: a dump fails at the first one it cannot`,
          `As a superuser or the provider's administrator: GRANT pg_read_all_data TO "${user.replaceAll('"', '""')}"; (14 and newer; large objects need their owner)`,
        ),
    readsPasswords
      ? ok('passwords of roles', 'roles are dumped with their passwords')
      : warning(
          'passwords of roles',
          `${user} may not read pg_authid: roles are dumped without their passwords`,
          'Usual on managed servers. Keep the passwords elsewhere; after a restore set them with ALTER ROLE ... PASSWORD.',
        ),
  ];
}
