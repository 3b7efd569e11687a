import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  isLifeboatError,
  LifeboatError,
  type Progress,
  silentProgress,
} from '../../../core/index.ts';
import { formatLsn, type Lsn, lsn, parseLsn } from '../../../wal/index.ts';
import {
  chooseServerAccount,
  giveTo,
  type RunningServer,
  runServer,
  type ServerAccount,
  type ServerPrograms,
} from '../server/index.ts';
import { restoreCommand } from './fetch-script.ts';
import { isolationSettings, knowsInPlaceTablespaces } from './isolation-settings.ts';
import type { RecoveryPlan, ReplayStop } from './recovery-plan.ts';
import { parseHistory } from './timeline-path.ts';
import { WalFeed } from './wal-feed.ts';

export interface ReplayOptions {
  readonly plan: RecoveryPlan;
  readonly programs: ServerPrograms;
  /** A restored data directory without recovery or other settings of its own in `postgresql.auto.conf`. */
  readonly dataFolder: string;
  readonly isScratch: boolean;
  /** Files of relations are missing that nobody will read: records about them are passed over. */
  readonly isPartial?: boolean;
  readonly account?: string;
  readonly preloadLibraries?: readonly string[];
  readonly signal?: AbortSignal;
  readonly progress?: Progress;
}

export interface ReplayedServer {
  /** Promoted, isolated, open for connections. */
  readonly server: RunningServer;
  /** Behind the last byte that was replayed. */
  readonly reachedLsn: Lsn;
  /** The timeline that the promotion began. */
  readonly timeline: number;
  readonly segments: number;
  /** CREATE TABLESPACE records that were made harmless. */
  readonly patchedRecords: number;
}

/**
 * Starts the server in recovery, feeds it the log, and returns when it has reached the plan's stop and was
 * promoted. That it ended anywhere else is an error, never a result. Errors: `recovery.failed`, `target.outside-window`,
 * those of starting a server and of reading the log.
 */
export async function replay(options: ReplayOptions): Promise<ReplayedServer> {
  const { plan, dataFolder, signal } = options;
  const progress = options.progress ?? silentProgress;
  const account = await chooseServerAccount(options.account);
  refuseOldMinor(options);
  await askForRecovery(dataFolder, account);
  const task = 'replay';
  const { segmentSizeBytes } = plan.backup.info;
  const total = Math.ceil(Number(plan.end - plan.backup.startLsn) / segmentSizeBytes) + 1;
  progress({ type: 'begin', task, title: `replaying the log up to ${describeStop(plan)}` });
  try {
    await using feed = await WalFeed.start({
      plan,
      dataFolder,
      account,
      onSegment: (done) => {
        const known = plan.stop.kind === 'end' ? { total: Math.max(done, total) } : {};
        progress({ type: 'progress', task, done, ...known, unit: 'segments' });
      },
      ...(signal ? { signal } : {}),
    });
    const server = await startInRecovery(options, feed, plan);
    try {
      const reached = await verifyReached(plan, server, feed);
      return { server, ...reached, segments: feed.segments, patchedRecords: feed.patchedRecords };
    } catch (error) {
      await server[Symbol.asyncDispose]();
      throw error;
    }
  } finally {
    progress({ type: 'end', task });
  }
}

/** Makes the next start one in recovery. */
export async function askForRecovery(
  dataFolder: string,
  account: ServerAccount | undefined,
): Promise<void> {
  const signalFile = join(dataFolder, 'recovery.signal');
  await writeFile(signalFile, '', { mode: 0o600 });
  await giveTo(account, signalFile);
}

async function startInRecovery(
  options: ReplayOptions,
  feed: WalFeed,
  plan: RecoveryPlan,
): Promise<RunningServer> {
  try {
    return await runServer({
      programs: options.programs,
      dataFolder: options.dataFolder,
      settings: {
        ...isolationSettings(options),
        ...recoverySettings(plan),
        // Each record that is passed over would be a warning.
        ...(options.isPartial ? { ignore_invalid_pages: 'on', log_min_messages: 'error' } : {}),
        recovery_target_action: 'promote',
      },
      dataIsScratch: options.isScratch,
      network: 'none',
      ...(options.account === undefined ? {} : { account: options.account }),
      ...(options.signal ? { signal: options.signal } : {}),
    });
  } catch (error) {
    throw explainFailure(error, feed, plan);
  }
}

/** Where the log comes from, along which timeline, and where to stop. */
export function recoverySettings(plan: RecoveryPlan): Record<string, string> {
  return {
    restore_command: restoreCommand,
    recovery_target_timeline: String(plan.timeline),
    ...stopSettings(plan.stop),
  };
}

/** Without the setting the server stops at tablespaces that are folders. */
export function refuseOldMinor({ plan, programs }: Pick<ReplayOptions, 'plan' | 'programs'>): void {
  if (plan.backup.info.tablespaces.length === 0 || knowsInPlaceTablespaces(programs)) return;
  throw new LifeboatError(
    'recovery.failed',
    `PostgreSQL ${programs.version} cannot run a copy with tablespaces in place`,
    { hint: 'Install the newest minor release of this major version.' },
  );
}

function stopSettings(stop: ReplayStop): Record<string, string> {
  switch (stop.kind) {
    case 'end':
      return {};
    case 'consistent':
      return { recovery_target: 'immediate' };
    case 'lsn':
      return {
        recovery_target_lsn: formatLsn(stop.lsn),
        recovery_target_inclusive: stop.inclusive ? 'on' : 'off',
      };
    case 'time':
      // Named zones, `Z` too, are not known yet when the command line is read.
      return {
        recovery_target_time: stop.time.toISOString().replace('T', ' ').replace('Z', '+00'),
        recovery_target_inclusive: 'on',
      };
  }
}

export function describeStop({ stop, end }: RecoveryPlan): string {
  switch (stop.kind) {
    case 'end':
      return formatLsn(end);
    case 'consistent':
      return 'the end of the snapshot';
    case 'lsn':
      return formatLsn(stop.lsn);
    case 'time':
      return stop.time.toISOString();
  }
}

/** The storage's failure is the cause; what the server made of it is only its consequence. */
export function explainFailure(error: unknown, feed: WalFeed, plan: RecoveryPlan): unknown {
  if (feed.failure !== undefined) {
    if (isLifeboatError(feed.failure)) return feed.failure;
    return new LifeboatError('recovery.failed', 'the log could not be handed to the server', {
      cause: feed.failure,
    });
  }
  if (!isLifeboatError(error, 'postgres.start-failed')) return error;
  const text = [
    error.message,
    ...((error.context.log as readonly string[] | undefined) ?? []),
  ].join();
  if (/before consistent recovery point/.test(text)) {
    return new LifeboatError(
      'target.outside-window',
      `the target lies before the end of the snapshot, ${plan.backup.info.stopTime}`,
      {
        hint: 'The clocks of the database host and of this one differ. Choose a position, or a later time.',
        cause: error,
      },
    );
  }
  if (/recovery ended before configured recovery target/.test(text)) return notReached(plan, error);
  return error;
}

export function notReached(plan: RecoveryPlan, cause?: unknown, said?: string): LifeboatError {
  return new LifeboatError(
    'recovery.failed',
    `the recovery did not reach ${describeStop(plan)}${said === undefined ? '' : `: ${said}`}`,
    {
      hint: 'The log may be damaged: run a check of the repository. The live server was not touched.',
      cause,
    },
  );
}

/** Believes neither silence nor readiness: the server's log and its new timeline must both say where it stopped. */
export async function verifyReached(
  plan: RecoveryPlan,
  server: RunningServer,
  feed: WalFeed,
): Promise<{ reachedLsn: Lsn; timeline: number }> {
  if (feed.failure !== undefined) throw explainFailure(undefined, feed, plan);
  const { timeline, reachedLsn } = await newTimeline(server.dataFolder);
  const { stop } = plan;
  const stopped = server.log.find(/recovery stopping (before|after) (.*)/);
  if (stop.kind === 'end') {
    // PostgreSQL takes damage for the end of the log; we know where the last record begins.
    if (reachedLsn > stop.lastRecord) return { timeline, reachedLsn };
    throw notReached(
      plan,
      undefined,
      `it ended at ${formatLsn(reachedLsn)}, the last record begins at ${formatLsn(stop.lastRecord)}`,
    );
  }
  if (stopped) return { timeline, reachedLsn };
  throw notReached(plan, undefined, `it ended at ${formatLsn(reachedLsn)}`);
}

/** The promotion wrote a history file whose last line says where the new timeline branched off. */
async function newTimeline(dataFolder: string): Promise<{ reachedLsn: Lsn; timeline: number }> {
  const folder = join(dataFolder, 'pg_wal');
  const name = (await readdir(folder))
    .filter((each) => /^[0-9A-F]{8}\.history$/.test(each))
    .sort()
    .at(-1);
  if (name === undefined) {
    throw new LifeboatError('recovery.failed', 'the server began no new timeline');
  }
  const timeline = Number.parseInt(name.slice(0, 8), 16);
  const path = parseHistory(await readFile(join(folder, name), 'utf8'), timeline);
  return { timeline, reachedLsn: lsn(path.at(-1)?.begin ?? parseLsn('0/0')) };
}
