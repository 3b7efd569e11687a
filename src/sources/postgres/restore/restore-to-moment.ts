import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { LifeboatError, type Progress, silentProgress, syncFolder } from '../../../core/index.ts';
import type { Lsn } from '../../../wal/index.ts';
import {
  askSingleUser,
  chooseServerAccount,
  type RunningServer,
  type ServerPrograms,
  sweepScratch,
} from '../server/index.ts';
import { putAutoConfigurationBack, takeAutoConfiguration } from './copied-configuration.ts';
import { isolationSettings } from './isolation-settings.ts';
import { isWalSegment, programsFor } from './open-scratch.ts';
import { planRecovery, type RecoveryPlan, type RecoveryRequest } from './recovery-plan.ts';
import { replay } from './replay.ts';
import { restoreSnapshot } from './restore-snapshot.ts';

export interface RestoreToMomentOptions extends RecoveryRequest {
  /** New or empty. It ends as a data directory that stock PostgreSQL starts. */
  readonly folder: string;
  readonly programs?: ServerPrograms;
  /** Account that owns the folder and runs the server when we are root. */
  readonly account?: string;
  readonly preloadLibraries?: readonly string[];
  readonly progress?: Progress;
}

export interface RestoredMoment {
  readonly folder: string;
  readonly base: RecoveryPlan['backup'];
  /** Behind the last byte that was replayed. */
  readonly reachedLsn: Lsn;
  /** The new timeline that the restored cluster is on. */
  readonly timeline: number;
  readonly files: number;
  readonly bytes: number;
  readonly segments: number;
  /** Name of the account that owns the folder; undefined: we. */
  readonly account: string | undefined;
  /** What differs from the original on purpose. For people. */
  readonly notes: readonly string[];
}

/**
 * Restores a source at a moment into a new folder, beside whatever there is. Nothing is put in place: that is another,
 * confirmed step. When it fails, or is killed, the folder is incomplete and says so by not starting: remove it and
 * restore into a new one. Errors: those of planning, restoring and replaying.
 */
export async function restoreToMoment(options: RestoreToMomentOptions): Promise<RestoredMoment> {
  const { folder, signal } = options;
  const progress = options.progress ?? silentProgress;
  await sweepScratch();
  const plan = await planRecovery(options);
  const programs = await programsFor(plan, options.programs);
  const account = await chooseServerAccount(options.account);

  const written = await restoreSnapshot({
    repository: options.repository,
    snapshot: plan.backup.snapshot,
    folder,
    account,
    skip: isWalSegment,
    progress,
    ...(signal ? { signal } : {}),
  });
  const original = await takeAutoConfiguration(folder, account);
  const replayed = await replay({
    plan,
    programs,
    dataFolder: folder,
    isScratch: false,
    progress,
    ...(options.account === undefined ? {} : { account: options.account }),
    ...preloads(options),
    ...(signal ? { signal } : {}),
  });
  const notes = await finish(options, programs, replayed.server);

  const hasTablespaces = plan.backup.info.tablespaces.length + replayed.patchedRecords > 0;
  await putAutoConfigurationBack(folder, account, original, hasTablespaces);
  await rm(join(folder, 'backup_label.old'), { force: true });
  await syncFolder(folder);
  if (hasTablespaces) notes.push('tablespaces are folders in pg_tblspc');
  return {
    folder,
    base: plan.backup,
    reachedLsn: replayed.reachedLsn,
    timeline: replayed.timeline,
    files: written.files,
    bytes: written.bytes,
    segments: replayed.segments,
    account: account?.name,
    notes,
  };
}

/** A clean shutdown, so that the folder needs no recovery; then what must not start by itself is switched off. */
async function finish(
  options: RestoreToMomentOptions,
  programs: ServerPrograms,
  server: RunningServer,
): Promise<string[]> {
  {
    await using running = server;
    await running.stop('fast');
    if (!running.log.find(/database system is shut down/)) {
      throw new LifeboatError('recovery.failed', 'the restored server did not shut down cleanly', {
        hint: 'Remove the folder and restore into a new one.',
        context: { log: running.log.lastLines(12) },
      });
    }
  }
  const disabled = await askSingleUser({
    programs,
    dataFolder: options.folder,
    database: 'template1',
    sql: 'update pg_catalog.pg_subscription set subenabled = false where subenabled returning subname',
    settings: {
      ...isolationSettings({ programs, isScratch: false, ...preloads(options) }),
      allow_system_table_mods: 'on',
    },
    ...(options.account === undefined ? {} : { account: options.account }),
  });
  return [
    'archive_mode is off and primary_conninfo is empty (postgresql.auto.conf)',
    ...disabled.map((name) => `the subscription ${name} is disabled`),
  ];
}

function preloads({ preloadLibraries }: RestoreToMomentOptions) {
  return preloadLibraries ? { preloadLibraries } : {};
}
