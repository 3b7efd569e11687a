import type { FreezeRecord } from './freeze-record.ts';
import type { FreezeWorld } from './freeze-request.ts';
import { newFreezeId } from './freeze-store.ts';

/** Of a freeze that this host begins, or goes on with under a name of its own; nothing is in it yet. */
export function newRecord({ surroundings }: FreezeWorld): FreezeRecord {
  const now = new Date();
  return {
    format: 1,
    id: newFreezeId(now),
    installation: surroundings.configuration.name,
    host: surroundings.host,
    actor: surroundings.actor,
    startedAt: now.toISOString(),
    revision: 0,
    phase: 'freezing',
    sources: [],
    items: [],
    gaps: [],
  };
}
