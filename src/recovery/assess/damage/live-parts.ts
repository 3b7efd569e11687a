import { type Assessment, sinceOf } from './assessment.ts';
import { lookAtReplication } from './look-at-replication.ts';
import type { SeenServer } from './look-at-server.ts';
import { lookAtServerLog, serverLogWords } from './look-at-server-log.ts';
import { lookAtOutput } from './look-at-service.ts';
import { lookAtSessions } from './look-at-sessions.ts';
import { lookAtStatements } from './look-at-statements.ts';
import { ifLooked, type Part } from './part.ts';
import type { PartWork } from './part-runner.ts';
import type { Excerpt, PostgresDamage } from './postgres-damage.ts';

/** What only the server itself can say. Its log also the service that runs it, whether or not it answers. */
export async function liveParts(
  assessment: Assessment,
  name: string,
  server: Part<SeenServer>,
): Promise<Pick<PostgresDamage, 'statements' | 'sessions' | 'replication' | 'serverLog'>> {
  const { runner, limits } = assessment;
  const run = <Found>(title: string, work: (seen: SeenServer, part: PartWork) => Promise<Found>) =>
    ifLooked(server, (seen) =>
      runner.run(`${name}: ${title}`, limits.askedMs, (part) => work(seen, part)),
    );
  const [sessions, statements, replication, serverLog] = await Promise.all([
    run('sessions', ({ connection }, part) => lookAtSessions(connection, part)),
    run('statements', ({ connection, state }, part) =>
      lookAtStatements(connection, state.databases, part),
    ),
    run('replication', ({ connection }, part) => lookAtReplication(connection, part)),
    outputOfServer(assessment, name) ??
      run('server log', ({ connection }, part) => lookAtServerLog(connection, part)),
  ]);
  return { sessions, statements, replication, serverLog };
}

/** Undefined: the configuration does not say which service the server is. */
function outputOfServer(assessment: Assessment, name: string): Promise<Part<Excerpt>> | undefined {
  const { runner, limits, platforms, now } = assessment;
  const { services, sources } = assessment.surroundings.configuration;
  const setting = sources[name];
  const own = setting?.kind === 'postgres' ? setting.service : undefined;
  const service = services.find((each) => each.name === own);
  if (service === undefined) return undefined;
  const since = sinceOf(assessment, now);
  return runner.run(`${name}: server log`, limits.serviceMs, async (part) =>
    lookAtOutput(service, platforms.of(service), since, part, serverLogWords),
  );
}
