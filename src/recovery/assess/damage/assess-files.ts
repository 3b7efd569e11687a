import { isLifeboatError, LifeboatError } from '../../../core/index.ts';
import type { Snapshot } from '../../../repository/index.ts';
import type { FilesSource, VolumeSource } from '../../../sources/index.ts';
import { type Assessment, openRepositoryOf } from './assessment.ts';
import type { FilesDamage } from './files-damage.ts';
import { chooseSnapshot, type LiveFiles, lookAtFiles } from './look-at-files.ts';
import { ifLooked, mapPart } from './part.ts';
import type { PartWork } from './part-runner.ts';
import { snapshotPoints } from './snapshot-points.ts';

/** Files and folders of this host, or those of a volume, against a snapshot. */
export async function assessFiles(assessment: Assessment, name: string): Promise<FilesDamage> {
  const { surroundings, runner, limits, now, since } = assessment;
  const source = (await surroundings.source(name, 'look')) as FilesSource | VolumeSource;
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
      await using held = new AsyncDisposableStack();
      const live = await liveFiles(source, snapshot, part, held);
      return await lookAtFiles({ name, live, repository, snapshots, snapshot }, part);
    }),
  );
  const points = mapPart(stored, ({ snapshots }) => snapshotPoints(snapshots, now));
  return { kind: source.kind, name, files, points };
}

/** A volume is where its engine has it now, or a copy of it until `held` is let go of. One that is gone is compared, too: all that was in it is missing. */
async function liveFiles(
  source: FilesSource | VolumeSource,
  { paths }: Snapshot,
  part: PartWork,
  held: AsyncDisposableStack,
): Promise<LiveFiles> {
  if (source.kind === 'files') {
    const { paths: own, oneFileSystem } = source.settings;
    return { paths: own, oneFileSystem: oneFileSystem ?? false };
  }
  const text = source.describe();
  try {
    const { folder, warnings } = held.use(await source.read(part));
    part.gaps.push(...warnings);
    return { paths, moved: { folder, text }, oneFileSystem: false };
  } catch (error) {
    if (!isLifeboatError(error, 'volume.missing')) throw error;
    return { paths, moved: { folder: undefined, text }, oneFileSystem: false };
  }
}
