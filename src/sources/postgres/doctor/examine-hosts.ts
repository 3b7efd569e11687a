import { isLifeboatError } from '../../../core/index.ts';
import type { Finding } from '../../source.ts';
import { type ConnectionSettings, describePlace, eachHost } from '../connection-settings.ts';
import { connectReplication } from '../protocol/connect-replication.ts';
import { connectSql } from '../sql-connection.ts';
import { ok, problem, warning } from './finding.ts';

/** The other servers of the URL, which have to do when the one that was examined fails: that they let us in, and are the same cluster. */
export async function examineOtherHosts(
  settings: ConnectionSettings,
  examined: ConnectionSettings,
  systemId: string,
  signal: AbortSignal | undefined,
): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  const isExamined = ({ host, port }: ConnectionSettings) =>
    host === examined.host && port === examined.port;
  for (const host of eachHost(settings)) {
    if (isExamined(host)) continue;
    try {
      findings.push(await examineHost(host, systemId, signal));
    } catch (error) {
      if (!isLifeboatError(error) || error.code === 'cancelled' || error.code === 'bug')
        throw error;
      const remedy = error.hint ?? 'Correct this, or the log stands still after a failover.';
      findings.push(warning('other host', error.message, remedy));
    }
  }
  return findings;
}

async function examineHost(
  host: ConnectionSettings,
  systemId: string,
  signal: AbortSignal | undefined,
): Promise<Finding> {
  const aborting = signal ? { signal } : {};
  await using replication = await connectReplication(host, aborting);
  const found = await replication.identifySystem();
  const place = describePlace(host);
  if (found.systemId !== systemId) {
    return problem(
      'other host',
      `${place} is cluster ${found.systemId}, not ${systemId}`,
      'Name only servers of one cluster in the URL: each other cluster is a source of its own.',
    );
  }
  await using sql = await connectSql(host, aborting);
  const [row] = await sql.rows<{ standby: boolean }>('select pg_is_in_recovery() as standby');
  const kind = row?.standby ? 'a standby' : 'a primary';
  return ok('other host', `${place} answers: ${kind} of the same cluster`);
}
