import { hostname } from 'node:os';
import { join } from 'node:path';
import { assert, LifeboatError } from '../../../core/index.ts';
import type { Snapshot } from '../../../repository/index.ts';
import { type RestoreFilesResult, restoreFiles } from '../../../sources/index.ts';
import { placeInVolume } from '../../ground/docker-volume/create-volume.ts';
import { restoredIn } from '../restored-place.ts';
import type { StepInputs } from '../step-inputs.ts';
import type { StepContext, StepKind, StepOutcome } from '../step-kind.ts';

type Input = StepInputs['restore-files'];

const problemsKept = 100;

/**
 * Files of a snapshot, beside or where they were. What is there already and right is not written again, so that a run that was cut goes
 * on by doing it once more; an existing file is replaced by another in one step, and nothing is deleted.
 */
export const restoreFilesStep: StepKind<Input> = {
  name: 'restore-files',

  async probe() {
    return { found: 'continue' };
  },

  async run(input, context) {
    const { surroundings, progress, signal } = context;
    const repository = await surroundings.repositoryOf(input.source);
    const snapshot = await repository.findSnapshot(input.snapshot);
    const isInPlace = input.into === 'in-place';
    const volume = isInPlace ? await volumeOf(input, context) : undefined;
    if (isInPlace && volume === undefined) requireOwnPlaces(input, snapshot);
    // A ground takes the contents of a folder: of the only one that there is.
    const [only, other] = snapshot.paths;
    const isOneFolder = !isInPlace || volume !== undefined;
    const path = isOneFolder && other === undefined ? only : undefined;
    const result = await restoreFiles({
      repository,
      snapshot,
      ...(path === undefined ? {} : { path }),
      target: volume ?? (isInPlace ? '/' : targetOf(input, context)),
      // What is brought to a ground takes its place, and a volume that was made anew is as it was.
      isFolderItself: path !== undefined,
      overwrite: input.replace === 'missing' ? 'never' : 'if-changed',
      isInPlace,
      progress,
      signal,
    });
    if (result.problemsTotal > 0) throw notWhole(input, result);
    return outcomeOf(input, result);
  },
};

/** Where a volume is now, which need not be where it was. One that is gone is made. */
async function volumeOf(
  { source: name }: Input,
  { surroundings, signal }: StepContext,
): Promise<string | undefined> {
  const { configuration, environment } = surroundings;
  if (configuration.sources[name]?.kind !== 'volume') return undefined;
  const source = await surroundings.source(name, 'look');
  assert(source.kind === 'volume', `${name} is of another kind`);
  return await placeInVolume(source, { services: configuration.services, environment, signal });
}

function targetOf({ source }: Input, { folder }: StepContext): string {
  return join(restoredIn(folder), source);
}

function outcomeOf(input: Input, { target, counts, snapshot }: RestoreFilesResult): StepOutcome {
  const { newFiles, replacedFiles, newBytes, replacedBytes, sameBytes } = counts;
  const where = input.into === 'in-place' ? 'where they were' : `to ${target}`;
  return {
    text: `restored ${newFiles + replacedFiles} files of ${input.source} ${where}`,
    result: {
      folder: target,
      place: { folder: target },
      bytes: newBytes + replacedBytes + sameBytes,
      snapshot: snapshot.id,
    },
    evidence: { ...counts },
  };
}

/** Errors: `plan.refused`: the snapshot does not say where on this host its files were. */
function requireOwnPlaces({ source }: Input, { hostname: host, paths }: Snapshot): void {
  const isOwn = host === hostname();
  if (isOwn && paths.every((path) => path.startsWith('/'))) return;
  const fact = isOwn
    ? `the snapshot of ${source} does not say where its files were`
    : `the snapshot of ${source} is of the host ${host}, not of this one`;
  throw new LifeboatError('plan.refused', fact, {
    hint: 'Make a plan that restores beside, or run this one on that host.',
  });
}

function notWhole(
  { source }: Input,
  { problems, problemsTotal }: RestoreFilesResult,
): LifeboatError {
  const named = problems.slice(0, problemsKept).map(({ path, problem }) => `${path}: ${problem}`);
  return new LifeboatError(
    'run.failed',
    `${problemsTotal} entries of ${source} could not be restored; all others were`,
    {
      hint: 'Put right what stands in their way and go on: what is restored already is not written again.',
      context: { problems: named },
    },
  );
}
