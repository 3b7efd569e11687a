import { resolve } from 'node:path';
import { isLifeboatError, LifeboatError, silentProgress } from '../../../core/index.ts';
import { backupFiles } from '../../files/backup/index.ts';
import { tagsOf } from '../../source-tags.ts';
import { chooseServerAccount, type ServerPrograms, sweepScratch } from '../server/index.ts';
import { dataNode } from './backup-snapshot.ts';
import { beginInPlace } from './begin-in-place.ts';
import { planDelta } from './delta-plan.ts';
import { finishKeeping, keepOld } from './keep-old.ts';
import { linkedFolders } from './linked-folders.ts';
import type { LookAround } from './look-around.ts';
import { isWalSegment, programsFor } from './open-scratch.ts';
import { type RecoveredFolder, recoverFolder } from './recover-folder.ts';
import { planRecovery, type RecoveryPlan, type RecoveryRequest } from './recovery-plan.ts';
import type { InspectRestored } from './restored-server.ts';
import { refuseRunning } from './running-server.ts';
import { settingLinks } from './setting-links.ts';
import { inspectStoppedCluster, type StoppedCluster } from './stopped-cluster.ts';
import {
  linkedAsMapped,
  mapTablespaces,
  prepareTablespaces,
  type TablespaceMapping,
  type TablespaceWish,
} from './tablespace-mapping.ts';
import { refuseClosed } from './target-folder.ts';
import { targetOption } from './target-option.ts';
import { endUnfinished, type UnfinishedRestore } from './unfinished-restore.ts';
import { type WrittenDelta, writeDelta } from './write-delta.ts';

/** How the present state is kept before anything is written. */
export type Keeping =
  /** As a snapshot of files in the repository. */
  | { readonly kind: 'snapshot' }
  /** Under another name, on the same file system; nothing of it is used again. */
  | { readonly kind: 'folder'; readonly folder: string }
  | { readonly kind: 'nothing' };

export interface RestoreInPlaceOptions extends RecoveryRequest {
  /** A data directory on this host, on which no server runs. */
  readonly folder: string;
  readonly keep: Keeping;
  /** Whatever cluster lies there. Default: only the one that was backed up. */
  readonly allowOtherCluster?: boolean;
  readonly programs?: ServerPrograms;
  readonly tablespaces?: readonly TablespaceWish[];
  readonly preloadLibraries?: readonly string[];
  /** Stands still at the target, open for reading, and goes on as this decides. */
  readonly look?: LookAround;
  /** Looks at the data before the folder is handed over. */
  readonly inspect?: InspectRestored;
  /** Who may log in then. */
  readonly users?: readonly string[];
}

/** What a restore in place will do; nothing has been changed yet. */
export interface InPlacePlan {
  readonly recovery: RecoveryPlan;
  readonly cluster: StoppedCluster;
  readonly programs: ServerPrograms;
  readonly tablespaces: TablespaceMapping;
  /** Folders outside of the data directory that its links lead to; they are restored over, too. */
  readonly linked: readonly string[];
  /** Set when a restore was begun there for another moment: the option that names it. */
  readonly begunFor: string | undefined;
}

export interface RestoredInPlace extends RecoveredFolder, WrittenDelta {
  readonly folder: string;
  readonly base: RecoveryPlan['backup'];
  /** Where the state before is kept: a snapshot's id, or a folder. */
  readonly kept: string | undefined;
  readonly account: string;
}

/**
 * Looks at both ends. Errors: those of planning a recovery, `target.not-cluster`, `target.in-use`,
 * `target.unsafe`, `postgres.other-cluster`, `postgres.no-programs`.
 */
export async function planInPlace(options: RestoreInPlaceOptions): Promise<InPlacePlan> {
  await finishKeeping(options.folder);
  const cluster = await inspectStoppedCluster(options.folder);
  const recovery = await planRecovery(options);
  refuseOther(cluster, recovery, options);
  const programs = await programsFor(recovery, options.programs);
  const tablespaces = mapTablespaces(recovery.backup.info, options.tablespaces ?? []);
  await refuseClosed(cluster.folder, await chooseServerAccount(cluster.account));
  if (options.keep.kind !== 'folder') await refuseLinks(cluster.folder, recovery, options);
  const linked = await linkedFolders(cluster.folder);
  const { target } = cluster.unfinished ?? {};
  const begunFor = target === targetOption(options.target) ? undefined : target;
  return { recovery, cluster, programs, tablespaces, linked, begunFor };
}

/**
 * Brings a stopped cluster to a moment in the folder where it lies. Its state before is kept first. Only what differs is
 * written. From the first change to the last the folder does not start as a server; a run that was killed is finished by the next.
 */
export async function restoreInPlace(options: RestoreInPlaceOptions): Promise<RestoredInPlace> {
  const { repository, signal } = options;
  const progress = options.progress ?? silentProgress;
  await sweepScratch();
  const { recovery, cluster, programs, tablespaces } = await planInPlace(options);
  const { folder } = cluster;
  const account = await chooseServerAccount(cluster.account);
  const data = await dataNode(repository, recovery.backup.snapshot);
  // An earlier run has filled them.
  const ready = cluster.unfinished ? await linkedAsMapped(tablespaces, folder) : undefined;
  await prepareTablespaces(tablespaces, folder, account, ready);

  const kept = cluster.unfinished ? cluster.unfinished.kept : await keep(options, cluster);
  // Keeping the present state may have taken long.
  await refuseRunning(folder);
  try {
    // A folder whose old one was renamed holds nothing yet that could be given back.
    const isUnchanged = cluster.unfinished === undefined && options.keep.kind !== 'folder';
    await beginInPlace(folder, factsOf(options, cluster, kept), isUnchanged);
    const common = { repository, folder, tablespaces, ...(signal ? { signal } : {}) };
    const delta = await planDelta({ ...common, data, skip: isWalSegment });
    const written = await writeDelta(delta, { ...common, account, progress });
    const { look, ...rest } = options;
    const recovered = await recoverFolder({
      ...rest,
      plan: recovery,
      programs,
      folder,
      account: cluster.account,
      beforeRelease: () => endUnfinished(folder),
      ...(look ? { look: { around: look, request: options } } : {}),
    });
    const { backup: base } = recovery;
    return { folder, base, kept, account: cluster.account, ...written, ...recovered };
  } catch (error) {
    throw unfinished(error, folder, kept, targetOption(options.target));
  }
}

function refuseOther(
  { systemId, folder }: StoppedCluster,
  { backup }: RecoveryPlan,
  { allowOtherCluster, source }: RestoreInPlaceOptions,
): void {
  if (allowOtherCluster || systemId === backup.info.systemId) return;
  throw new LifeboatError(
    'postgres.other-cluster',
    `in ${folder} lies another cluster (${systemId}) than the one of ${source} (${backup.info.systemId})`,
    {
      hint: 'Is it the right folder? If it is to be replaced all the same, add --allow-other-cluster.',
      context: { folder, systemId, expected: backup.info.systemId },
    },
  );
}

/** Before anything is changed. */
async function refuseLinks(
  folder: string,
  { backup }: RecoveryPlan,
  { repository, signal }: RestoreInPlaceOptions,
): Promise<void> {
  const { subtree } = await dataNode(repository, backup.snapshot);
  await settingLinks(folder, subtree ? await repository.readTree(subtree, signal) : []);
}

/** Returns where the present state is now. */
async function keep(
  options: RestoreInPlaceOptions,
  cluster: StoppedCluster,
): Promise<string | undefined> {
  const { keep: keeping, repository, source, progress, signal } = options;
  const { folder } = cluster;
  if (keeping.kind === 'nothing') return undefined;
  if (keeping.kind === 'folder') {
    await keepOld(cluster, keeping.folder, factsOf(options, cluster, resolve(keeping.folder)));
    return resolve(keeping.folder);
  }
  // What links lead to is a part of the cluster: those folders are named beside it.
  const { snapshot, warnings } = await backupFiles({
    repository,
    source: safetySource(source),
    paths: [folder, ...(await linkedFolders(folder))],
    tags: tagsOf('files', safetySource(source)),
    ...(progress ? { progress } : {}),
    ...(signal ? { signal } : {}),
  });
  if (warnings.length === 0) return snapshot;
  throw new LifeboatError(
    'backup.incomplete',
    `the present state of ${folder} could not be kept whole: ${warnings[0]}`,
    {
      hint: 'Nothing was changed. --keep-old FOLDER renames it instead; --skip-safety-snapshot goes on without.',
      context: { snapshot },
    },
  );
}

/** Under which name the state before a restore in place is kept. */
export function safetySource(source: string): string {
  return `${source}.before-restore`;
}

function factsOf(
  { source, target }: RestoreInPlaceOptions,
  { systemId, unfinished: before }: StoppedCluster,
  kept: string | undefined,
): UnfinishedRestore {
  const begun = before?.begun ?? new Date().toISOString();
  const facts = { format: 1, source, systemId, begun, target: targetOption(target) } as const;
  return { ...facts, ...(kept === undefined ? {} : { kept }) };
}

function unfinished(
  error: unknown,
  folder: string,
  kept: string | undefined,
  target: string,
): unknown {
  // A folder that somebody else works on is not ours to speak of.
  if (!isLifeboatError(error) || error.code === 'target.in-use') return error;
  const where = kept === undefined ? '' : ` The state before is kept: ${kept}.`;
  const { hint } = error;
  return new LifeboatError(error.code, error.message, {
    hint: `${folder} is half restored and does not start as a server: run the same command again with ${target}, it goes on.${where}${hint ? ` ${hint}` : ''}`,
    context: { ...error.context, folder, ...(kept === undefined ? {} : { kept }) },
    cause: error,
    retryable: error.retryable,
  });
}
