import { isLifeboatError, type LifeboatError, type Progress } from '../../core/index.ts';
import type { Repository } from '../../repository/index.ts';
import {
  type PostgresSource,
  type RestoredServer,
  readOriginalPreloads,
} from '../../sources/index.ts';
import { type ExpectedCounts, expectedCountsAt } from '../assess/expected-counts.ts';
import type { CheckResult, Verdict } from '../validate/check.ts';
import { checksOfKept, type ValidationLevel } from '../validate/checks.ts';
import { keptPlace } from '../validate/kept-place.ts';
import { quickBounds } from '../validate/quick-bounds.ts';
import type { UserCheck } from '../validate/user-check.ts';
import { validate } from '../validate/validate.ts';
import { formerState, formerValues } from './former-proof.ts';
import { lastPassed } from './list-proofs.ts';

export interface ValidateRestoredOptions {
  readonly source: PostgresSource;
  readonly repository: Repository;
  readonly level: ValidationLevel;
  readonly userChecks: readonly UserCheck[];
  readonly signal?: AbortSignal;
  readonly progress: Progress;
}

export interface RestoredValidation {
  readonly level: ValidationLevel;
  /** `not-checked`: it did not come to its end. */
  readonly verdict: Verdict;
  readonly checks: readonly CheckResult[];
  readonly durationMs: number;
  /** Why it did not come to its end: also `cancelled`. The restore is whole all the same. */
  readonly error?: LifeboatError;
}

/**
 * Checks a restored cluster before it is handed over; only reads, and nothing of it stays. What is wrong, and what kept it from
 * looking, is in the result. Errors: `recovery.failed` when something would stay.
 */
export async function validateRestored(
  restored: RestoredServer,
  options: ValidateRestoredOptions,
): Promise<RestoredValidation> {
  const begun = performance.now();
  const { level } = options;
  const took = () => Math.round(performance.now() - begun);
  try {
    const { verdict, checks } = await examine(restored, options);
    return { level, verdict, checks, durationMs: took() };
  } catch (error) {
    if (!isLifeboatError(error) || ['bug', 'recovery.failed'].includes(error.code)) throw error;
    return { level, verdict: 'not-checked', checks: [], durationMs: took(), error };
  }
}

async function examine(restored: RestoredServer, options: ValidateRestoredOptions) {
  const { source, repository, level, userChecks, progress } = options;
  const aborting = options.signal ? { signal: options.signal } : {};
  const { base } = restored;
  const last = await lastPassed(repository, source.name);
  const preloadLibraries = await readOriginalPreloads(repository, base.snapshot);
  const compared =
    level === 'full'
      ? await formerState({ source: source.name, repository, scratch: restored, last, progress })
      : undefined;
  await using place = await keptPlace(restored, {
    userChecks,
    formerValues: formerValues(last),
    accounted: await accountedRows(restored, options),
    ...(compared === undefined ? {} : { former: compared }),
    ...(preloadLibraries === undefined ? {} : { preloadLibraries }),
    ...aborting,
  });
  return await validate({ place, checks: checksOfKept(level, place.major), progress, ...aborting });
}

/** A log that was replayed and yet cannot be read again is no reason to look at nothing. */
async function accountedRows(
  { reachedLsn: lsn, timeline }: RestoredServer,
  { source, repository, level, progress, signal }: ValidateRestoredOptions,
): Promise<ExpectedCounts> {
  const { spool } = await source.recovery({ repository, target: { kind: 'latest' } });
  return await expectedCountsAt({
    repository,
    source: source.name,
    lsn,
    timeline,
    progress,
    ...(level === 'quick' ? { mostLogBytes: quickBounds.logBytes } : {}),
    ...(spool ? { spool } : {}),
    ...(signal ? { signal } : {}),
  }).catch((error: unknown) => {
    if (!isLifeboatError(error) || ['bug', 'cancelled'].includes(error.code)) throw error;
    const why = error.message;
    return { why, rowsOf: () => ({ unknown: why }), missing: () => [] };
  });
}
