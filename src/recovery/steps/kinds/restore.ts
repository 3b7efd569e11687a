import { chmod, mkdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { syncFolder, writeFileDurably } from '../../../core/index.ts';
import type { BlobId, Repository } from '../../../repository/index.ts';
import { restoreToMoment } from '../../../sources/index.ts';
import { formatLsn, timelineStream } from '../../../wal/index.ts';
import { readTarget } from '../../plan/plan-target.ts';
import { dumpsFolder, restoreDumps } from '../restore-dumps.ts';
import { restoredIn } from '../restored-place.ts';
import type { StepInputs } from '../step-inputs.ts';
import type { StepContext, StepKind, StepOutcome } from '../step-kind.ts';
import { postgresSource, settingOf } from '../step-source.ts';

type Input = StepInputs['restore'];

/**
 * A source at a moment into the folder of the run, beside whatever there is. That it is whole is written beside it when it is: what a
 * crash left without that is thrown away and restored again.
 */
export const restoreStep: StepKind<Input> = {
  name: 'restore',

  async probe(input, context) {
    const outcome = await finished(input, context);
    return outcome ? { found: 'done', outcome } : { found: 'not-done' };
  },

  async run(input, context) {
    if (settingOf(input.source, context).kind === 'postgres-dump') {
      return await restoreDumps(input, placesOf(input, context), context);
    }
    const { surroundings, signal, progress } = context;
    const source = await postgresSource(input.source, 'protect', context);
    const repository = await surroundings.repositoryOf(input.source);
    const { parent, folder, mark } = placesOf(input, context);
    await rm(mark, { force: true });
    await rm(folder, { recursive: true, force: true });
    await mkdir(parent, { recursive: true });
    // The account that runs the server has to come through.
    await chmod(parent, 0o711);
    const restored = await restoreToMoment({
      ...(await source.recovery({ repository, target: readTarget(input.target), signal })),
      ...(input.snapshot === undefined ? {} : { base: input.snapshot }),
      ...(input.timeline === undefined ? {} : { timeline: input.timeline }),
      folder,
      progress,
    });
    await syncFolder(parent);
    const { base, bytes, files, timeline, notes } = restored;
    const owner = await formerOwner(repository, base.snapshot.tree, signal);
    const reached = formatLsn(restored.reachedLsn);
    const outcome: StepOutcome = {
      text: `restored ${input.source} to ${folder}, log replayed up to ${reached}`,
      result: {
        source: input.source,
        folder,
        place: { folder },
        bytes,
        ...(owner === undefined ? {} : { owner }),
        systemId: base.info.systemId,
        serverVersion: base.info.serverVersion,
        reached,
        timeline,
        history: await historyOf(folder, timeline),
        // `timeline` is the restored copy's own; the source's is followed by default, or the one that was named.
        ...(input.timeline === undefined ? {} : { followed: input.timeline }),
        baseTimeline: base.info.timeline,
        snapshot: base.snapshot.id,
      },
      evidence: { reached, timeline, snapshot: base.snapshot.id, files, bytes, notes },
    };
    await writeFileDurably(mark, JSON.stringify(outcome));
    return outcome;
  },

  async undo(input, _outcome, context) {
    const { folder, mark } = placesOf(input, context);
    await rm(mark, { force: true });
    await rm(folder, { recursive: true, force: true });
    return `removed the restored ${input.source}`;
  },
};

/** The promotion wrote it: where the restored copy's own timeline left the source's. */
async function historyOf(folder: string, timeline: number): Promise<string> {
  return await readFile(join(folder, 'pg_wal', `${timelineStream(timeline)}.history`), 'utf8');
}

/** Whose the data directory was where it was backed up. Here it belongs to whoever may run a server. */
async function formerOwner(
  repository: Repository,
  tree: BlobId,
  signal: AbortSignal,
): Promise<{ readonly uid: number; readonly gid: number } | undefined> {
  const node = (await repository.readTree(tree, signal)).find(({ name }) => name === 'data');
  if (node?.uid === undefined || node.gid === undefined) return undefined;
  return { uid: Number(node.uid), gid: Number(node.gid) };
}

function placesOf({ source }: Input, { folder: run }: StepContext) {
  const parent = restoredIn(run);
  return { parent, folder: join(parent, source), mark: join(run, `restored-${source}.json`) };
}

async function finished(input: Input, context: StepContext): Promise<StepOutcome | undefined> {
  const { folder, mark } = placesOf(input, context);
  try {
    const isDump = settingOf(input.source, context).kind === 'postgres-dump';
    await stat(join(folder, isDump ? dumpsFolder : 'PG_VERSION'));
    return JSON.parse(await readFile(mark, 'utf8')) as StepOutcome;
  } catch {
    // Without both it is not whole, whatever is missing.
    return undefined;
  }
}
