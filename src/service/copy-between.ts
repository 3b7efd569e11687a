import type { CopyReport, Repository } from '../repository/index.ts';
import type { ServiceEvent } from './service-event.ts';

interface NamedRepository {
  readonly name: string;
  readonly repository: Repository;
}

/** One copy, with its events. */
export async function copyBetween(
  from: NamedRepository,
  to: NamedRepository,
  options: {
    readonly signal: AbortSignal;
    readonly onEvent: (event: ServiceEvent) => void;
    readonly lockWaitMs: number;
  },
): Promise<CopyReport> {
  const { signal, onEvent, lockWaitMs } = options;
  const names = { from: from.name, to: to.name };
  onEvent({ type: 'copy-started', ...names });
  const report = await from.repository.copyTo(to.repository, { signal, lockWaitMs });
  onEvent({ type: 'copy', ...names, ...report, snapshots: report.snapshots.length });
  return report;
}
