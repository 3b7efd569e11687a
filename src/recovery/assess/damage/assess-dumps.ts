import { type DumpSource, snapshotsOfKind } from '../../../sources/index.ts';
import { type Assessment, openRepositoryOf, passwordOf } from './assessment.ts';
import { liveParts } from './live-parts.ts';
import { lookAtServer } from './look-at-server.ts';
import { ifLooked, mapPart } from './part.ts';
import type { PostgresDamage } from './postgres-damage.ts';
import { snapshotPoints } from './snapshot-points.ts';

const withoutTrace = {
  looked: false,
  why: 'dumps have neither log nor baseline: what is lost, and since when, a person has to say',
  code: 'usage.invalid',
  durationMs: 0,
  limitMs: 0,
} as const;

/** A source of dumps: its server and its snapshots; it has neither baselines nor a log. */
export async function assessDumps(assessment: Assessment, name: string): Promise<PostgresDamage> {
  const { runner, limits, now } = assessment;
  const [opened, login] = await Promise.all([
    openRepositoryOf(assessment, name),
    passwordOf<DumpSource>(assessment, name),
  ]);
  const [server, points] = await Promise.all([
    ifLooked(login, ({ settings }) =>
      runner.run(`${name}: server`, limits.serverMs, (part) =>
        lookAtServer(settings.connection, undefined, part),
      ),
    ),
    ifLooked(opened, (repository) =>
      runner.run(`${name}: restore points`, limits.pointsMs, async ({ progress }) =>
        snapshotPoints(await snapshotsOfKind(repository, 'postgres-dump', name, progress), now),
      ),
    ),
  ]);
  return {
    kind: 'postgres-dump',
    name,
    server: mapPart(server, ({ state }) => state),
    points,
    tables: withoutTrace,
    suspects: withoutTrace,
    ...(await liveParts(assessment, name, server)),
  };
}
