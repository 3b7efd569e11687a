import { isLifeboatError, type Progress } from '../../../core/index.ts';
import type { Log } from '../../../repository/index.ts';
import { parseLsn } from '../../../wal/index.ts';
import { type ConnectionSettings, describePlace } from '../connection-settings.ts';
import type { ReplicationConnection } from '../protocol/replication-connection.ts';
import { LogCoverage } from '../stream/log-coverage.ts';
import { ServerChoice } from '../stream/server-choice.ts';
import { identify, requireKnownHistory } from '../stream/server-identity.ts';
import { requireNotLeft } from '../stream/start-position.ts';
import { fetchHistory, historyFileName, parseTimelineHistory } from '../stream/timeline-history.ts';
import { later, type WalPosition } from '../stream/wal-position.ts';
import { requireSameCluster } from './same-cluster.ts';
import { connectForBackup, readServerFacts, type ServerFacts } from './server-facts.ts';
import type { StoredBackup } from './stored-backups.ts';

export interface ServerChoiceOptions {
  readonly settings: ConnectionSettings;
  readonly source: string;
  readonly log: Log;
  readonly former: StoredBackup | undefined;
  /** The history file of a timeline as the newest backup has it. */
  readonly formerHistory: (name: string) => Promise<Uint8Array | undefined>;
  readonly signal?: AbortSignal;
  readonly progress: Progress;
}

export interface ChosenServer {
  /** The caller disposes it. Its `settings` name this one server. */
  readonly connection: ReplicationConnection;
  readonly facts: ServerFacts;
}

/**
 * The first server of the connection that goes on with the history of the log and of the newest backup. An old primary that came
 * back, or another cluster, is passed over for the next; errors are those of the last one.
 */
export async function chooseServer(options: ServerChoiceOptions): Promise<ChosenServer> {
  const { source, former, signal, progress } = options;
  const choice = new ServerChoice(options.settings);
  for (;;) {
    const connection = await connectForBackup(choice.settings, signal);
    try {
      const facts = await readServerFacts(connection);
      requireSameCluster(source, former, facts);
      await requireSameHistory(connection, options);
      return { connection, facts };
    } catch (error) {
      await connection[Symbol.asyncDispose]();
      if (!choice.passOver(connection.settings, error)) throw error;
      const place = describePlace(connection.settings);
      progress({
        type: 'warning',
        message: `${place} is passed over: ${(error as Error).message}`,
      });
    }
  }
}

/** What a primary that was replaced goes on to write is no part of the cluster's history, and its backup would not be either. */
async function requireSameHistory(
  connection: ReplicationConnection,
  { log, former, formerHistory }: ServerChoiceOptions,
): Promise<void> {
  const server = await identify(connection);
  const coverage = new LogCoverage(log);
  await loadIfReadable(coverage);
  coverage.refuseOther(server.systemId);
  await requireNotLeft(connection, server, coverage);
  const position = later(coverage.continuation(server.segmentSizeBytes), endOf(former));
  if (!position || position.timeline === server.timeline) return;
  const name = historyFileName(position.timeline);
  const own = (await coverage.historyFile(name)) ?? (await formerHistory(name));
  const theirs = await fetchHistory(connection, server.timeline);
  requireKnownHistory(server, position, historyIn(theirs?.bytes), historyIn(own));
}

/** A log that cannot be read proves nothing; the comparison of the WAL warns of it. */
async function loadIfReadable(coverage: LogCoverage): Promise<void> {
  try {
    await coverage.load();
  } catch (error) {
    if (!isLifeboatError(error) || error.code === 'bug') throw error;
  }
}

function endOf(former: StoredBackup | undefined): WalPosition | undefined {
  if (!former) return undefined;
  return { timeline: former.info.timeline, start: parseLsn(former.info.stopLsn) };
}

function historyIn(bytes: Uint8Array | undefined) {
  return parseTimelineHistory(Buffer.from(bytes ?? []).toString());
}
