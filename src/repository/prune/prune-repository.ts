import { randomBytes } from 'node:crypto';
import {
  assert,
  isLifeboatError,
  LifeboatError,
  type Progress,
  silentProgress,
} from '../../core/index.ts';
import type { WorkerPool } from '../data-plane/worker-pool.ts';
import type { IndexedPack } from '../format/index-file.ts';
import type { Location } from '../location/location.ts';
import { RepositoryLock } from '../lock/repository-lock.ts';
import { NestedArea } from '../log/nested-area.ts';
import { assertWritable, type RepositoryAccess } from '../stored-file.ts';
import { decidePacks, type PackDecisions } from './decide-packs.ts';
import { rewriteIndex } from './index-rewriter.ts';
import { Marks } from './marks.ts';
import { type PackUse, packUses } from './pack-use.ts';
import {
  defaultKeepMarkedMs,
  defaultMaxUnusedShare,
  type PruneOptions,
  type PruneReport,
} from './prune-options.ts';
import { recoverPacks } from './recover-packs.ts';
import { repack } from './repack.ts';
import { type Survey, surveyRepository, unindexedPacks } from './survey.ts';
import { type LogsSurvey, surveyLogs, writeFloors } from './survey-logs.ts';
import { removableFrom, sweep, UnneededFiles } from './unneeded-files.ts';
import { findUsedBlobs, type UsedBlobs } from './used-blobs.ts';

interface Tools {
  readonly access: RepositoryAccess;
  readonly pool: WorkerPool;
  readonly signal: AbortSignal | undefined;
  readonly progress: Progress;
}

/** What is known before anything changes. */
interface Plan {
  readonly survey: Survey;
  readonly used: UsedBlobs;
  readonly recovered: readonly IndexedPack[];
  readonly decisions: PackDecisions;
  /** Nothing needs them as it is. */
  readonly unneeded: UnneededFiles;
  readonly logs: LogsSurvey;
}

/**
 * Removes what no snapshot needs, in two phases under restic's exclusive lock: this run takes it out of the index and
 * marks it; a later run (or this one, with `keepMarkedMs: 0`) removes the files, if they are still unneeded. Killed
 * anywhere it leaves a whole repository, and the next run goes on. Errors: `repository.locked`, `repository.damaged`
 * (then nothing was removed), `location.*`.
 */
export async function pruneRepository(
  access: RepositoryAccess,
  pool: WorkerPool,
  options: PruneOptions = {},
): Promise<PruneReport> {
  const { signal, progress = silentProgress, lockWaitMs } = options;
  const isDryRun = options.dryRun ?? false;
  assertWritable(access);
  const tools: Tools = { access, pool, signal, progress };
  await using lock = await RepositoryLock.acquire(access, {
    exclusive: !isDryRun,
    operation: 'prune',
    waitMs: lockWaitMs,
    signal,
    progress,
  });
  if (!isDryRun) await assertRemovable(access.location, signal);
  const area = new NestedArea(access.location, access.masterKey, pool);
  const plan = await makePlan(tools, area, options);
  const { survey, decisions, unneeded } = plan;
  const report = describe(plan, isDryRun);
  if (isDryRun) return report;

  const confirm = () => lock.confirmHeld(signal);
  const keepMarkedMs = options.keepMarkedMs ?? defaultKeepMarkedMs;
  const marks = await Marks.load(area, tools);
  const sweepNow = () => {
    return sweep({ ...tools, location: access.location, marks, unneeded, keepMarkedMs, confirm });
  };
  const markAll = async () => {
    const now = new Date();
    for (const { folder, name } of unneeded.all) marks.add(folder, name, now);
    await marks.save();
  };
  // What was unneeded before goes first: that makes room for what is written next.
  await confirm();
  await writeFloors(area, plan.logs);
  await markAll();
  const before = await sweepNow();

  const { index, packSizes } = survey;
  const packs = decisions.repack;
  const added = await repack({ ...tools, index, used: plan.used.rows, packs });
  assertAllMoved(packs, added);
  await assertNoNewSnapshot(tools, survey);
  const dropped = new Set([...decisions.remove, ...packs].map(({ name }) => name));
  for (const name of dropped) unneeded.add('data', name, packSizes.get(name) as number);
  // Marked before the index lets them go: whoever dies in between leaves them known.
  await markAll();
  const needed = plan.recovered.filter(({ name }) => !dropped.has(name));
  const { signal: abort } = tools;
  await rewriteIndex({
    access,
    survey,
    dropped,
    added: [...added, ...needed],
    confirm,
    signal: abort,
  });
  const after = await sweepNow();
  await marks.save();
  return {
    ...report,
    filesRemoved: before.files + after.files,
    bytesRemoved: before.bytes + after.bytes,
    filesRefused: Math.max(before.refused, after.refused),
    ...describeMarked(marks, unneeded, keepMarkedMs),
  };
}

async function makePlan(tools: Tools, area: NestedArea, options: PruneOptions): Promise<Plan> {
  const { access, signal } = tools;
  const survey = await surveyRepository(access, tools);
  const find = () => findUsedBlobs({ ...tools, ...survey });
  let used = await find();
  let recovered: readonly IndexedPack[] = [];
  if (used.missing.length > 0) {
    recovered = await recoverPacks(access, survey, signal);
    used = await find();
  }
  refuseMissing(survey, used);
  const decisions = decidePacks(packUses(survey.index, used.rows, survey.packSizes), {
    maxUnused: options.maxUnused ?? { share: defaultMaxUnusedShare },
    maxRepackBytes: options.maxRepackBytes ?? Number.POSITIVE_INFINITY,
  });
  const unneeded = new UnneededFiles();
  for (const name of unindexedPacks(survey)) {
    unneeded.add('data', name, survey.packSizes.get(name) as number);
  }
  const needed = (await options.logsNeeded?.()) ?? new Map();
  const logs = await surveyLogs({ ...tools, area, needed, unneeded });
  return { survey, used, recovered, decisions, unneeded, logs };
}

/** Before anything was written: what cannot be finished is not begun. */
async function assertRemovable(location: Location, signal?: AbortSignal): Promise<void> {
  try {
    // There is no such file; whoever may not remove is told so all the same.
    await location.remove('data', randomBytes(32).toString('hex'), signal);
  } catch (error) {
    if (!isLifeboatError(error, 'location.refused')) throw error;
    throw new LifeboatError(
      'location.refused',
      `${location.describe()} lets nothing be removed (append-only)`,
      {
        hint: 'Nothing was changed. Run this where the repository may be written to in full, with credentials that may delete.',
        cause: error,
      },
    );
  }
}

function refuseMissing({ unsound }: Survey, { missing }: UsedBlobs): void {
  const [first] = missing;
  if (first === undefined) return;
  const named = [...unsound].slice(0, 3).map(([name, problem]) => `pack ${name} ${problem}`);
  const why = named.length > 0 ? `; ${named.join(', ')}` : '';
  throw new LifeboatError(
    'repository.damaged',
    `snapshots need the ${first.type} blob ${first.id}, which is nowhere${why}`,
    {
      hint: 'Nothing was removed. Run `lifeboat check` to see what is affected, then `lifeboat repair index`, and `lifeboat repair snapshots` for what stays lost.',
      context: { blobs: missing.map(({ type, id }) => `${type} ${id}`) },
    },
  );
}

/** The old copies are about to become unreachable. */
function assertAllMoved(packs: readonly PackUse[], added: readonly IndexedPack[]): void {
  const wanted = packs.reduce((sum, { usedBlobs }) => sum + usedBlobs, 0);
  const moved = added.reduce((sum, { blobs }) => sum + blobs.length, 0);
  assert(moved === wanted, `${wanted} blobs are needed of repacked packs, ${moved} were written`);
}

/** Only a program that takes no locks can have written one; what it needs was not looked at. */
async function assertNoNewSnapshot({ access, signal }: Tools, survey: Survey): Promise<void> {
  const known = new Set<string>(survey.snapshots.map(({ id }) => id));
  const now = await access.location.list('snapshots', signal);
  const added = now.find(({ name }) => !known.has(name));
  if (added === undefined) return;
  throw new LifeboatError(
    'repository.locked',
    `the snapshot ${added.name} was written while the repository was locked`,
    {
      hint: 'A program that takes no locks (rustic) works on it. Nothing was removed from the index. Run this again when that program has ended.',
      retryable: true,
    },
  );
}

function describe(plan: Plan, dryRun: boolean) {
  const { survey, used, recovered, decisions, unneeded, logs } = plan;
  const { index, packSizes, snapshots } = survey;
  const sizes = [...packSizes.values()];
  const marked = unneeded.all;
  return {
    dryRun,
    snapshots: snapshots.length,
    blobsUsed: used.count,
    blobsUnused: index.blobCount - used.count,
    packs: sizes.length,
    bytes: sizes.reduce((sum, each) => sum + each, 0),
    bytesUnused: decisions.bytesUnused,
    packsUnneeded: decisions.remove.length,
    packsRepacked: decisions.repack.length,
    bytesRepacked: decisions.repack.reduce((sum, { usedBytes }) => sum + usedBytes, 0),
    packsUnindexed: marked.filter(({ folder }) => folder === 'data').length,
    packsRecovered: recovered.length,
    filesMarked: 0,
    bytesMarked: 0,
    removableFrom: undefined,
    filesRemoved: 0,
    bytesRemoved: 0,
    filesRefused: 0,
    bytesUnusedAfter: decisions.bytesUnusedAfter,
    logSegmentsDropped: logs.segmentsDropped,
  };
}

function describeMarked(marks: Marks, unneeded: UnneededFiles, keepMarkedMs: number) {
  const all = marks.all;
  const first = all.reduce(
    (earliest, each) => Math.min(earliest, removableFrom(each, keepMarkedMs)),
    Number.POSITIVE_INFINITY,
  );
  return {
    filesMarked: all.length,
    bytesMarked: all.reduce((sum, each) => sum + (unneeded.sizeOf(each.folder, each.name) ?? 0), 0),
    removableFrom: all.length === 0 ? undefined : new Date(first),
  };
}
