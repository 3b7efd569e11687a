import { hostname } from 'node:os';
import { holdsFiles } from '../config/index.ts';
import type { Repository, RetentionPolicy } from '../repository/index.ts';
import { type RecoveryPromises, type SourceKind, windowOpeners } from '../sources/index.ts';
import type { RepositoryTurns } from './repository-turns.ts';
import type { ServiceEvent } from './service-event.ts';

export interface PolicySource {
  readonly name: string;
  readonly kind: SourceKind;
  readonly policy: RetentionPolicy;
  readonly windowMs?: number | undefined;
}

/**
 * What to forget of a source. Files belong to a machine: those of another host under the same name are left alone. A database
 * has its name wherever it is backed up from.
 */
export function forgetRequest({ name, kind, policy }: PolicySource) {
  const hosts = holdsFiles(kind) ? { hosts: [hostname()] } : {};
  return { policy, filter: { sources: [name], ...hosts }, groupBy: ['source'] } as const;
}

/** Forgets what the policy of a source lets go. */
export async function forgetOf(
  place: {
    readonly name: string;
    readonly repository: Repository;
    readonly turns: RepositoryTurns;
  },
  source: PolicySource,
  options: {
    readonly signal: AbortSignal;
    readonly onEvent: (event: ServiceEvent) => void;
    readonly lockWaitMs: number;
  },
): Promise<void> {
  const { signal, onEvent, lockWaitMs } = options;
  const { name, windowMs } = source;
  const promises: RecoveryPromises = new Map(windowMs === undefined ? [] : [[name, windowMs]]);
  const needed = () => windowOpeners(place.repository, promises, signal);
  const request = { ...forgetRequest(source), needed, signal, lockWaitMs };
  // Mostly there is nothing to do, and nobody has to make way for it.
  const plan = await place.repository.forget({ ...request, dryRun: true });
  if (plan.remove.length === 0) return;
  await place.turns.exclusive(`forget ${source.name}`, async () => {
    if (signal.aborted) return;
    const { removed, keep, failed } = await place.repository.forget(request);
    onEvent({
      type: 'forget',
      repository: place.name,
      source: source.name,
      removed,
      kept: keep.length,
      failed: failed.length,
    });
  });
}
