import type { PostgresSource } from '../../../sources/index.ts';
import { displayName } from '../../rescue/sql-text.ts';
import { type Assessment, openRepositoryOf, passwordOf, sinceOf } from './assessment.ts';
import { judgePoints, type KnownPoints } from './judge-points.ts';
import { knownPoints, spoolOf, storedSystemId } from './known-points.ts';
import { liveParts } from './live-parts.ts';
import { lookAtIntegrity } from './look-at-integrity.ts';
import { lookAtServer } from './look-at-server.ts';
import { lookAtSuspects } from './look-at-suspects.ts';
import { lookAtTables } from './look-at-tables.ts';
import { foundOf, ifLooked, mapPart } from './part.ts';
import type { PartWork } from './part-runner.ts';
import type { PostgresDamage, TablesFound } from './postgres-damage.ts';

/**
 * A cluster: the server as it is, if it is there, and what the repository tells whether or not it is. The server comes first: without it
 * nobody waits for each of its parts. What the tables show says how far back the log is searched, and what it shows, where to go back to.
 */
export async function assessPostgres(
  assessment: Assessment,
  name: string,
): Promise<PostgresDamage> {
  const { surroundings, runner, limits, now } = assessment;
  const run = <Found>(title: string, limitMs: number, work: (part: PartWork) => Promise<Found>) =>
    runner.run(`${name}: ${title}`, limitMs, work);
  const source = (await surroundings.source(name, 'look')) as PostgresSource;
  const [opened, login] = await Promise.all([
    openRepositoryOf(assessment, name),
    passwordOf(assessment, name),
  ]);
  const repository = foundOf(opened);
  const server = await ifLooked(login, ({ settings }) =>
    run('server', limits.serverMs, async (part) => {
      const stored = repository && (await storedSystemId(repository, name, part));
      return await lookAtServer(settings.connection, stored, part);
    }),
  );
  const seen = foundOf(server);
  const asked = liveParts(assessment, name, server);
  const spool = await spoolOf(source, repository);
  const logs = spool ? { spool } : {};
  const [kept, tables] = await Promise.all([
    ifLooked(opened, (known) =>
      run('restore points', limits.pointsMs, (part) =>
        knownPoints(assessment, source, known, part),
      ),
    ),
    ifLooked(opened, (known) =>
      run('tables', limits.tablesMs, (part) =>
        lookAtTables(
          {
            source,
            repository: known,
            mostLogBytes: limits.mostLogBytes,
            ...logs,
            ...(seen === undefined ? {} : { connection: seen.connection }),
            ...(assessment.since === undefined ? {} : { since: assessment.since }),
          },
          part,
        ),
      ),
    ),
  ]);
  const counted = foundOf(tables);
  const liveLsn = seen?.state.isOtherCluster ? undefined : seen?.state.lsn;
  const live = liveLsn === undefined ? {} : { liveLsn };
  const [suspects, integrity] = await Promise.all([
    ifLooked(opened, (known) =>
      run('the log', limits.suspectsMs, (part) =>
        lookAtSuspects(
          {
            repository: known,
            source: name,
            since: searchedSince(assessment, foundOf(kept), counted?.found),
            ...logs,
            ...live,
            ...(counted?.catalog === undefined ? {} : { catalog: counted.catalog }),
          },
          part,
        ),
      ),
    ),
    ifLooked(server, ({ connection }) =>
      run('integrity', limits.integrityMs, (part) => {
        const first = damaged(counted?.found);
        return lookAtIntegrity({ source: name, connection, repository, first }, part);
      }),
    ),
  ]);
  const happened = {
    now,
    suspects: foundOf(suspects)?.suspects ?? [],
    ...live,
  };
  return {
    kind: 'postgres',
    name,
    server: mapPart(server, ({ state }) => state),
    points: mapPart(kept, (known) => judgePoints(known, happened)),
    tables: mapPart(tables, ({ found }) => found),
    suspects,
    integrity,
    ...(await asked),
  };
}

/** A day back from the end of the log, or further, to where what fell was still right. */
function searchedSince(
  assessment: Assessment,
  known: KnownPoints | undefined,
  tables: TablesFound | undefined,
): Date {
  const end = known?.stored.windows[0]?.to ?? assessment.now;
  const since = sinceOf(assessment, end < assessment.now ? end : assessment.now);
  if (assessment.since !== undefined) return since;
  const falls = (tables?.drift ?? [])
    .filter(({ kind }) => kind !== 'stale')
    .map(({ fromTime }) => Date.parse(fromTime));
  return new Date(Math.min(since.getTime(), ...falls));
}

/** Names of tables as checks call them. */
function damaged(tables: TablesFound | undefined): readonly string[] {
  return (tables?.tables ?? [])
    .filter(({ change, isUnexplained }) => isUnexplained || change === 'fewer')
    .map(({ database, schema, table }) => `${database}.${displayName(schema, table)}`);
}
