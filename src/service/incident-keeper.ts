import { hostname } from 'node:os';
import { isLifeboatError, sleep } from '../core/index.ts';
import { type IncidentRepository, openIncidents } from '../incidents/index.ts';

const everyMs = 60_000;
const withinMs = 30_000;

/**
 * Carries incidents until the signal aborts: what commands entered while a repository was away is sent when it is back, and what other
 * hosts wrote is fetched. Whatever fails is tried again in a minute; `incident status` shows what is not there yet.
 */
export async function keepIncidents(options: {
  readonly stateFolder: string;
  readonly repositories: readonly IncidentRepository[];
  readonly signal: AbortSignal;
}): Promise<void> {
  const { stateFolder, repositories, signal } = options;
  const incidents = openIncidents({
    stateFolder,
    actor: 'lifeboat serve',
    host: hostname(),
    repositories,
    sendWithinMs: 0,
  });
  /** Those that are open, and those that some repository lacks something of. */
  const watched = new Set<string>();
  let isFirst = true;
  const ended = new Promise<void>((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
  while (!signal.aborted) {
    try {
      const found = await incidents.list({ onlyOpen: !isFirst });
      isFirst = false;
      for (const { id } of found) watched.add(id);
      for (const id of watched) {
        await Promise.race([incidents.exchange(id, withinMs), ended]);
        if (signal.aborted) return;
        const isThere = (await incidents.deliveries(id)).every(({ pending }) => pending === 0);
        const { status } = await incidents.find(id);
        if (isThere && status === 'closed') watched.delete(id);
      }
    } catch (error) {
      if (!isLifeboatError(error) || error.code === 'bug') throw error;
    }
    await sleep(everyMs, signal).catch(() => {});
  }
}
