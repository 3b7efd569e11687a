import { isLifeboatError } from '../../../core/index.ts';
import type { ConnectionSettings } from '../../../sources/index.ts';
import { excerptOf } from './excerpt.ts';
import { openLive } from './live-session.ts';
import type { PartWork } from './part-runner.ts';
import type { Excerpt } from './postgres-damage.ts';

/** What the server's own log calls serious, and what speaks of damage at any level. */
export const serverLogWords: readonly string[] = [
  'panic:',
  'fatal:',
  'error:',
  'invalid page',
  'page verification failed',
  'could not read block',
  'could not write',
  'no space left',
  'terminated by signal',
  'was not properly shut down',
  'data corruption',
  'checksum',
];

const tailBytes = 512 * 1024;

/** The end of the server's log, read by the server itself: where it collects one, and where the role may. */
export async function lookAtServerLog(
  connection: ConnectionSettings,
  part: PartWork,
): Promise<Excerpt> {
  await using session = await openLive(connection, part);
  const nothing = { origin: 'server log', linesRead: 0, matched: 0, lines: [] };
  try {
    const [current] = await session.rows<{ file: string | null }>(
      'select pg_current_logfile() as file',
    );
    const file = current?.file ?? undefined;
    if (file === undefined) {
      part.gaps.push(
        'the server collects no log of its own (logging_collector); name the service that runs it as `service` of the source',
      );
      return nothing;
    }
    const [row] = await session.rows<{ text: Buffer | null }>(
      `select pg_read_binary_file($1, greatest(size - ${tailBytes}, 0), ${tailBytes}, true) as text
       from pg_stat_file($1, true)`,
      [file],
    );
    const lines = (row?.text?.toString('utf8') ?? '').split('\n').filter((line) => line !== '');
    return excerptOf(file, lines, serverLogWords);
  } catch (error) {
    if (!isLifeboatError(error, 'postgres.query')) throw error;
    part.gaps.push(`${error.message}; a role with pg_monitor and pg_read_server_files may read it`);
    return nothing;
  }
}
