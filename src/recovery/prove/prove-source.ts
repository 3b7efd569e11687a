import { isLifeboatError, type Progress, silentProgress } from '../../core/index.ts';
import type { Repository } from '../../repository/index.ts';
import {
  openScratch,
  type PostgresSource,
  type RecoveryTarget,
  readOriginalPreloads,
  type ScratchServer,
} from '../../sources/index.ts';
import { formatLsn } from '../../wal/index.ts';
import { type ExpectedCounts, expectedCountsAt } from '../assess/expected-counts.ts';
import { copyPlace } from '../validate/copy-place.ts';
import type { UserCheck } from '../validate/user-check.ts';
import { validate } from '../validate/validate.ts';
import { traceCorruption } from './corruption.ts';
import { formerState, formerValues } from './former-proof.ts';
import { lastPassed, proofKind } from './list-proofs.ts';
import { liveEnd, measureLoss } from './measure-loss.ts';
import { PhaseClock } from './phase-clock.ts';
import { type Proof, parseProof, type StoredProof } from './proof.ts';

export interface ProveOptions {
  readonly source: PostgresSource;
  readonly repository: Repository;
  /** Default: the newest state. */
  readonly target?: RecoveryTarget;
  /** Of the target, for people. */
  readonly targetText?: string;
  /** Full id of the snapshot to start from. Default: the newest that fits. */
  readonly base?: string;
  readonly timeline?: number;
  readonly userChecks?: readonly UserCheck[];
  readonly signal?: AbortSignal;
  readonly progress?: Progress;
}

/**
 * Restores a source to a scratch server, checks all of its data, and records what was found. That the data is not good, or
 * cannot be restored, is a proof that failed, not an error. Errors: `cancelled`; what keeps the record from being written;
 * what says nothing about the backup (`postgres.no-programs`, `disk.full`, a repository that is out of reach,
 * `target.outside-window`).
 */
export async function proveSource(options: ProveOptions): Promise<StoredProof> {
  const { source } = options;
  const target = options.target ?? { kind: 'latest' };
  // Before the clock starts: a dead server takes its time not to answer.
  const live = target.kind === 'latest' ? await liveEnd(source, options.signal) : undefined;
  const startTime = new Date();
  const begunMs = performance.now();
  const clock = new PhaseClock(options.progress ?? silentProgress);
  const common = () => ({
    format: 1 as const,
    source: source.name,
    startTime: startTime.toISOString(),
    target: options.targetText ?? 'the newest state',
    phases: clock.phases,
    rtoMs: Math.round(performance.now() - begunMs),
  });
  const restored = await restore(options, target, clock.progress);
  if ('error' in restored) {
    return await append(options, { ...common(), ...restored, verdict: 'failed', checks: [] });
  }
  await using scratch = restored;
  const { base, reachedLsn, reachedTimeline } = scratch;
  const point = {
    snapshot: base.snapshot.id,
    fromLsn: base.info.stopLsn,
    fromTime: base.info.stopTime,
    timeline: base.info.timeline,
    reachedLsn: formatLsn(reachedLsn),
    reachedTimeline,
    serverVersion: base.info.serverVersion,
  };
  const now = target.kind === 'latest' ? startTime : undefined;
  const found = await examine(options, scratch, now, clock.progress).catch(failedBy);
  if ('error' in found) {
    const failed = { ...found, verdict: 'failed', checks: [] } as const;
    return await append(options, { ...common(), ...point, ...failed });
  }
  const { replayedTime: reachedTime, verdict, checks, corruption } = found;
  const reached = { lsn: reachedLsn, timeline: reachedTimeline };
  const rpo = measureLoss({ target, startTime, reachedTime, reached, live });
  return await append(options, {
    ...common(),
    ...point,
    verdict,
    reachedTime: reachedTime.toISOString(),
    ...(rpo === undefined ? {} : { rpo }),
    checks,
    ...(corruption.length > 0 ? { corruption } : {}),
  });
}

async function restore(
  options: ProveOptions,
  target: RecoveryTarget,
  progress: Progress,
): Promise<ScratchServer | Required<Pick<Proof, 'error'>>> {
  const { source, repository, signal, base, timeline } = options;
  return await openScratch({
    ...(await source.recovery({ repository, target, ...(signal ? { signal } : {}) })),
    ...(base === undefined ? {} : { base }),
    ...(timeline === undefined ? {} : { timeline }),
    progress,
  }).catch(failedBy);
}

/** Errors that say only that this host, the way to the repository, or what was asked for was not up to it are thrown on. */
function failedBy(error: unknown): Required<Pick<Proof, 'error'>> {
  const isNoVerdict = isLifeboatError(
    error,
    'cancelled',
    'bug',
    'disk.full',
    'postgres.no-programs',
    'postgres.wrong-major',
    'location.unreachable',
    'location.refused',
    'repository.snapshot-missing',
    'target.outside-window',
    'usage.invalid',
  );
  if (isNoVerdict || !isLifeboatError(error)) throw error;
  const { code, message, hint } = error;
  return { error: { code, message, ...(hint === undefined ? {} : { hint }) } };
}

async function examine(
  options: ProveOptions,
  scratch: ScratchServer,
  now: Date | undefined,
  progress: Progress,
) {
  const { source, repository, userChecks = [] } = options;
  const aborting = options.signal ? { signal: options.signal } : {};
  const { base, reachedLsn } = scratch;
  const last = await lastPassed(repository, source.name);
  const preloadLibraries = await readOriginalPreloads(repository, base.snapshot);
  const former = await formerState({ source: source.name, repository, scratch, last, progress });
  const { spool } = await source.recovery({ repository, target: { kind: 'latest' } });
  const accounted = await expectedCountsAt({
    repository,
    source: source.name,
    lsn: reachedLsn,
    timeline: scratch.reachedTimeline,
    progress,
    ...(spool ? { spool } : {}),
    ...aborting,
  }).catch(unaccounted);
  const place = await copyPlace(scratch, {
    userChecks,
    former,
    accounted,
    formerValues: formerValues(last),
    ...(preloadLibraries === undefined ? {} : { preloadLibraries }),
    ...(now === undefined ? {} : { now }),
    ...aborting,
  });
  const found = await validate({ place, progress, ...aborting });
  const corruption = await traceCorruption({
    repository,
    source: source.name,
    checks: found.checks,
    pageSizeBytes: place.pageSizeBytes,
    ...aborting,
  });
  return { ...found, corruption, replayedTime: place.replayedTime };
}

/** A log that was replayed and yet cannot be read again is no reason to look at nothing. */
function unaccounted(error: unknown): ExpectedCounts {
  const why = failedBy(error).error.message;
  return { why, rowsOf: () => ({ unknown: why }), missing: () => [] };
}

async function append({ repository, source }: ProveOptions, body: Proof): Promise<StoredProof> {
  const record = await repository.records.append({ kind: proofKind, source: source.name, body });
  return parseProof(record) ?? { ...body, id: record.id, time: record.time };
}
