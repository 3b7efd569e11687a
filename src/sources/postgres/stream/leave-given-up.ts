import { sleep } from '../../../core/index.ts';
import type { LogCoverage } from './log-coverage.ts';
import type { ServerIdentity } from './server-identity.ts';
import type { Spool } from './spool.ts';
import type { StreamOptions } from './stream-options.ts';
import type { Uploader } from './uploader.ts';
import { later } from './wal-position.ts';

const lookEveryMs = 100;

interface LeaveContext {
  readonly spool: Spool;
  readonly coverage: LogCoverage;
  readonly options: Pick<StreamOptions, 'tellGivenUp'>;
}

/**
 * Where a recovery was taken back, the server is on a former timeline again. What was received of the ones that were given up goes to the
 * repository, as all that was received, and then leaves the spool: the positions of two branches must not be taken for one another. A server
 * on a timeline before ours makes the log be asked. Errors: those of the repository, `cancelled`.
 */
export async function leaveGivenUp(
  server: ServerIdentity,
  { spool, coverage, options }: LeaveContext,
  uploader: Pick<Uploader, 'learnCoverage' | 'urge'>,
  warn: (fact: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const { isGivenUp } = coverage;
  const ours = later(spool.continuation(isGivenUp), coverage.continuation(server.segmentSizeBytes));
  if (ours !== undefined && ours.timeline > server.timeline) {
    await options.tellGivenUp?.();
    await coverage.learnGivenUp();
  }
  const ended = await spool.endGivenUp(isGivenUp);
  if (ended.length > 0) {
    const timelines = [...new Set(ended.map(({ timeline }) => timeline))].join(', ');
    warn(
      `timeline ${timelines} was given up when a recovery was taken back: what was received of it goes to the repository, and can be restored by its name`,
    );
    uploader.learnCoverage();
  }
  while (!(await spool.removeGivenUp(isGivenUp))) {
    uploader.urge();
    await sleep(lookEveryMs, signal);
  }
}
