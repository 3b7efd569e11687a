import { type Progress, silentProgress } from '../../../core/index.ts';
import { chooseServerAccount, type ServerPrograms, sweepScratch } from '../server/index.ts';
import type { LookAround } from './look-around.ts';
import { isWalSegment, programsFor } from './open-scratch.ts';
import { type RecoveredFolder, recoverFolder } from './recover-folder.ts';
import { planRecovery, type RecoveryPlan, type RecoveryRequest } from './recovery-plan.ts';
import { restoreSnapshot } from './restore-snapshot.ts';
import type { InspectRestored } from './restored-server.ts';
import { mapTablespaces, prepareTablespaces, type TablespaceWish } from './tablespace-mapping.ts';

export interface RestoreToMomentOptions extends RecoveryRequest {
  /** New or empty. It ends as a data directory that stock PostgreSQL starts. */
  readonly folder: string;
  readonly programs?: ServerPrograms;
  /** Tablespaces that get a folder elsewhere. The others become folders in `pg_tblspc`. */
  readonly tablespaces?: readonly TablespaceWish[];
  /** Account that owns the folder and runs the server when we are root. */
  readonly account?: string;
  readonly preloadLibraries?: readonly string[];
  /** Stands still at the target, open for reading, and goes on as this decides. */
  readonly look?: LookAround;
  /** Looks at the data before the folder is handed over. */
  readonly inspect?: InspectRestored;
  /** Who may log in then. */
  readonly users?: readonly string[];
  readonly progress?: Progress;
}

export interface RestoredMoment extends RecoveredFolder {
  readonly folder: string;
  readonly base: RecoveryPlan['backup'];
  readonly files: number;
  readonly bytes: number;
  /** Name of the account that owns the folder; undefined: we. */
  readonly account: string | undefined;
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
  const tablespaces = mapTablespaces(plan.backup.info, options.tablespaces ?? []);
  await prepareTablespaces(tablespaces, folder, account);
  const written = await restoreSnapshot({
    repository: options.repository,
    snapshot: plan.backup.snapshot,
    folder,
    account,
    tablespaces,
    skip: isWalSegment,
    progress,
    ...(signal ? { signal } : {}),
  });
  const { look, ...rest } = options;
  const recovered = await recoverFolder({
    ...rest,
    plan,
    programs,
    ...(look ? { look: { around: look, request: options } } : {}),
  });
  return {
    folder,
    base: plan.backup,
    files: written.files,
    bytes: written.bytes,
    account: account?.name,
    ...recovered,
  };
}
