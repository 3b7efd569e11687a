import { LifeboatError } from '../../../core/index.ts';
import type { FilesSource } from '../../../sources/index.ts';
import { type Assessment, openRepositoryOf } from './assessment.ts';
import type { FilesDamage } from './files-damage.ts';
import { chooseSnapshot, lookAtFiles } from './look-at-files.ts';
import { ifLooked, mapPart } from './part.ts';
import { snapshotPoints } from './snapshot-points.ts';

/** Files and folders of this host, against a snapshot. */
export async function assessFiles(assessment: Assessment, name: string): Promise<FilesDamage> {
  const { surroundings, runner, limits, now, since } = assessment;
  const source = (await surroundings.source(name, 'look')) as FilesSource;
  const opened = await openRepositoryOf(assessment, name);
  const stored = await ifLooked(opened, (repository) =>
    runner.run(`${name}: restore points`, limits.pointsMs, async ({ signal, progress }) => ({
      repository,
      snapshots: await source.snapshots({ repository, signal, progress }),
    })),
  );
  const files = await ifLooked(stored, ({ repository, snapshots }) =>
    runner.run(`${name}: files`, limits.filesMs, async (part) => {
      const before = snapshots.filter(({ time }) => since === undefined || time <= since);
      const snapshot = chooseSnapshot(before);
      if (snapshot === undefined) {
        throw new LifeboatError(
          'repository.snapshot-missing',
          'there is no snapshot to compare with',
        );
      }
      return await lookAtFiles({ source, repository, snapshots, snapshot }, part);
    }),
  );
  const points = mapPart(stored, ({ snapshots }) => snapshotPoints(snapshots, now));
  return { kind: 'files', name, files, points };
}
