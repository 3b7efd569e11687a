import { lstat, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { LifeboatError, type Progress, silentProgress } from '../../../core/index.ts';
import type { Lsn } from '../../../wal/index.ts';
import {
  askSingleUser,
  chooseServerAccount,
  type RunningServer,
  type ServerPrograms,
} from '../server/index.ts';
import { bringClusterToDisk } from './cluster-to-disk.ts';
import { putAutoConfigurationBack, takeAutoConfiguration } from './copied-configuration.ts';
import { isolationSettings } from './isolation-settings.ts';
import { type LookAround, replayLookingAround } from './look-around.ts';
import { missingLibraries } from './missing-libraries.ts';
import type { RecoveryPlan, RecoveryRequest } from './recovery-plan.ts';
import { type ReplayedServer, replay } from './replay.ts';
import { type InspectRestored, inspectRestored } from './restored-server.ts';

export interface RecoverFolderOptions {
  readonly plan: RecoveryPlan;
  readonly programs: ServerPrograms;
  /** Holds the plan's snapshot, and no settings that reach out of it but those of the snapshot. */
  readonly folder: string;
  readonly account?: string;
  readonly preloadLibraries?: readonly string[];
  /** Stands still at the plan's stop, open for reading, and goes on as this decides. */
  readonly look?: { readonly around: LookAround; readonly request: RecoveryRequest };
  /** Who may log in then. */
  readonly users?: readonly string[];
  /** Looks at the data before the folder may start as a server. What it throws fails the restore. */
  readonly inspect?: InspectRestored;
  /** What is still to be done before the folder may start as a server. */
  readonly beforeRelease?: () => Promise<void>;
  readonly progress?: Progress;
  readonly signal?: AbortSignal;
}

export interface RecoveredFolder {
  /** Behind the last byte that was replayed. */
  readonly reachedLsn: Lsn;
  /** The new timeline that the restored cluster is on. */
  readonly timeline: number;
  readonly segments: number;
  /** What differs from the original on purpose. For people. */
  readonly notes: readonly string[];
}

/**
 * Brings a restored snapshot to the moment of the plan and shuts it down cleanly. Until this is done the folder does not
 * start as a server; afterwards it does, and archives nothing. The servers that run meanwhile force nothing to the disk: all of it
 * is brought there before the folder may start, and until then the guard in it, which is durable, holds. Errors: those of replaying.
 */
export async function recoverFolder(options: RecoverFolderOptions): Promise<RecoveredFolder> {
  const { plan, programs, folder, signal } = options;
  const account = await chooseServerAccount(options.account);
  const original = await takeAutoConfiguration(folder, account);
  const how = {
    programs,
    dataFolder: folder,
    isScratch: false,
    progress: options.progress ?? silentProgress,
    users: ['postgres', ...(options.users ?? [])],
    ...(options.account === undefined ? {} : { account: options.account }),
    ...preloads(options),
    ...(signal ? { signal } : {}),
  };
  // Most is on the disk by the time that the replay ends.
  const early = bringClusterToDisk(folder);
  // Awaited once the server has stopped; until then a failure must not count as unhandled.
  early.catch(() => {});
  await using _ = { [Symbol.asyncDispose]: async () => void (await Promise.allSettled([early])) };
  const { look } = options;
  const replayed = look
    ? await replayLookingAround(how, look.request, plan, look.around)
    : await replay({ ...how, plan });
  await inspect(options, how, replayed);
  const notes = await finish(options, replayed.server);
  await rm(join(folder, 'backup_label.old'), { force: true });
  const inPlace = await tablespacesInPlace(folder);
  if (inPlace.length > 0) {
    notes.push(`tablespaces are folders in pg_tblspc: ${inPlace.join(', ')}`);
  }
  await early;
  await bringClusterToDisk(folder);
  await options.beforeRelease?.();
  await putAutoConfigurationBack(folder, account, original, inPlace.length > 0);
  await warnOfMissing(options);
  const { reachedLsn, timeline, segments } = replayed;
  return { reachedLsn, timeline, segments, notes };
}

async function inspect(
  { inspect: look, plan }: RecoverFolderOptions,
  { users, progress }: { readonly users: readonly string[]; readonly progress: Progress },
  { server, reachedLsn }: ReplayedServer,
): Promise<void> {
  if (!look) return;
  const { timeline, backup: base } = plan;
  try {
    await inspectRestored(look, server, { reachedLsn, timeline, base, users, progress });
  } catch (error) {
    await server[Symbol.asyncDispose]();
    throw error;
  }
}

/** A server that lacks an extension's library would say so only when somebody needs it to start. */
async function warnOfMissing({ programs, folder, progress }: RecoverFolderOptions): Promise<void> {
  for (const library of await missingLibraries(programs, folder)) {
    progress?.({
      type: 'warning',
      message: `the library ${JSON.stringify(library)}, which the settings load, is not installed in ${programs.folder}`,
      hint: 'The restored server does not start without it: install its package, or take it out of shared_preload_libraries.',
    });
  }
}

/** OIDs of those that are folders of the data folder, no links. */
async function tablespacesInPlace(folder: string): Promise<readonly string[]> {
  const parent = join(folder, 'pg_tblspc');
  const found: string[] = [];
  for (const name of await readdir(parent)) {
    if ((await lstat(join(parent, name))).isDirectory()) found.push(name);
  }
  return found;
}

/** A clean shutdown, so that the folder needs no recovery; then what must not start by itself is switched off. */
async function finish(options: RecoverFolderOptions, server: RunningServer): Promise<string[]> {
  await shutDown(server);
  const { programs } = options;
  const disabled = await askSingleUser({
    programs,
    dataFolder: options.folder,
    database: 'template1',
    sql: 'update pg_catalog.pg_subscription set subenabled = false where subenabled returning subname',
    settings: {
      ...isolationSettings({ programs, ...preloads(options) }),
      allow_system_table_mods: 'on',
    },
    ...(options.account === undefined ? {} : { account: options.account }),
  });
  return [
    'archive_mode is off and primary_conninfo is empty (postgresql.auto.conf)',
    ...disabled.map((name) => `the subscription ${name} is disabled`),
  ];
}

function preloads({ preloadLibraries }: RecoverFolderOptions) {
  return preloadLibraries ? { preloadLibraries } : {};
}

export async function shutDown(server: RunningServer): Promise<void> {
  await using running = server;
  await running.stop('fast');
  if (running.log.find(/database system is shut down/)) return;
  throw new LifeboatError('recovery.failed', 'the restored server did not shut down cleanly', {
    hint: 'Run the restore again.',
    context: { log: running.log.lastLines(12) },
  });
}
