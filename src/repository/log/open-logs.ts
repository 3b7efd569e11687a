import type { EnvelopeKey } from '../crypto/envelope.ts';
import type { WorkerPool } from '../data-plane/worker-pool.ts';
import type { Location } from '../location/location.ts';
import { logNames } from './log-names.ts';
import { NestedArea } from './nested-area.ts';
import { StoredLog } from './stored-log.ts';

/** The logs of one repository. */
export interface Logs {
  /** Does no work. The same object for the same name, so that what it knows is known once. */
  log(name: string): StoredLog;
  /** Of every log there is anything of, sorted. */
  names(signal?: AbortSignal): Promise<readonly string[]>;
}

/** `location` is the repository's own, `master` its master key, `pool` its worker threads, if it has any. Does no work. */
export function openLogs(location: Location, master: EnvelopeKey, pool?: WorkerPool): Logs {
  const area = new NestedArea(location, master, pool);
  const logs = new Map<string, StoredLog>();
  return {
    log(name) {
      const known = logs.get(name);
      if (known !== undefined) return known;
      const log = new StoredLog(area, name);
      logs.set(name, log);
      return log;
    },
    names: (signal) => logNames(area, signal),
  };
}
