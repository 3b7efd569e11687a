import type { Repository } from '../../../repository/index.ts';
import type { ConnectionSettings } from '../../../sources/index.ts';
import { lastIntegrityReport } from '../../integrity/integrity-report.ts';
import { indexesValid } from '../../validate/checks/indexes-valid.ts';
import { livePlace } from '../../validate/live-place.ts';
import { validate } from '../../validate/validate.ts';
import { gapOf, type PartWork } from './part-runner.ts';
import type { IntegrityFound } from './postgres-damage.ts';
import { sampledPages } from './sampled-pages.ts';

/** As gently as `integrity` does by default, times two: somebody waits. */
const bytesPerSecond = 40 * 1024 * 1024;
/** Of the time of the part, for pages. */
const pagesShare = 0.7;

/** Invalid indexes, and the checksums of as many pages as there is time for. */
export async function lookAtIntegrity(
  request: {
    readonly source: string;
    readonly connection: ConnectionSettings;
    readonly repository: Repository | undefined;
    /** Tables that look damaged come first: `shop.public.orders`. */
    readonly first: readonly string[];
  },
  part: PartWork,
): Promise<IntegrityFound> {
  const { connection, repository, source, first } = request;
  const place = await livePlace(connection, {
    userChecks: [],
    formerValues: {},
    bytesPerSecond,
    signal: part.signal,
  });
  const untilMs = performance.now() + part.leftMs() * pagesShare;
  const found = await validate({
    place,
    checks: [indexesValid, sampledPages({ bytesPerSecond, untilMs, first })],
    signal: part.signal,
    progress: part.progress,
  });
  const last = await lastCheckOf(repository, source, part);
  part.gaps.push(
    ...found.checks.flatMap(({ notChecked }) =>
      notChecked.map(({ what, why }) => `${what}: ${why}`),
    ),
  );
  return {
    checks: found.checks,
    ...(last === undefined ? {} : { lastCheck: { time: last.startTime, verdict: last.verdict } }),
  };
}

async function lastCheckOf(repository: Repository | undefined, source: string, part: PartWork) {
  if (repository === undefined) return undefined;
  try {
    return await lastIntegrityReport(repository, source);
  } catch (error) {
    part.gaps.push(`former checks of the server: ${gapOf(error, part).message}`);
    return undefined;
  }
}
