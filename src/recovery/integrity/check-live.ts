import { type Progress, silentProgress } from '../../core/index.ts';
import type { Repository } from '../../repository/index.ts';
import type { PostgresSource } from '../../sources/index.ts';
import { traceCorruption } from '../prove/corruption.ts';
import { formerValues } from '../prove/former-proof.ts';
import { lastPassed } from '../prove/list-proofs.ts';
import { livePlace } from '../validate/live-place.ts';
import type { UserCheck } from '../validate/user-check.ts';
import { validate } from '../validate/validate.ts';
import {
  type IntegrityReport,
  integrityKind,
  parseIntegrityReport,
  type StoredIntegrityReport,
} from './integrity-report.ts';

/** Reads a live server no faster than this where nobody says otherwise. */
export const defaultBytesPerSecond = 20 * 1024 * 1024;

/**
 * Looks at the data of the live server, only reading, with no lock but those of readers, no faster than a rate, and records what
 * was found; of damaged pages also which snapshot still holds them intact. Errors: `cancelled`, `postgres.unreachable`,
 * `postgres.refused`; what keeps the record from being written.
 */
export async function checkLive(options: {
  readonly source: PostgresSource;
  readonly repository: Repository;
  readonly userChecks?: readonly UserCheck[];
  readonly bytesPerSecond?: number;
  readonly signal?: AbortSignal;
  readonly progress?: Progress;
}): Promise<StoredIntegrityReport> {
  const { source, repository, userChecks = [], progress = silentProgress } = options;
  const aborting = options.signal ? { signal: options.signal } : {};
  const startTime = new Date();
  const place = await livePlace(source.settings.connection, {
    userChecks,
    formerValues: formerValues(await lastPassed(repository, source.name)),
    bytesPerSecond: options.bytesPerSecond ?? defaultBytesPerSecond,
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
  const body: IntegrityReport = {
    format: 1,
    source: source.name,
    verdict: found.verdict,
    startTime: startTime.toISOString(),
    durationMs: Date.now() - startTime.getTime(),
    position: place.position,
    checks: found.checks,
    ...(corruption.length > 0 ? { corruption } : {}),
  };
  const record = { kind: integrityKind, source: source.name, body };
  const stored = await repository.records.append(record);
  return parseIntegrityReport(stored) ?? { ...body, id: stored.id, time: stored.time };
}
