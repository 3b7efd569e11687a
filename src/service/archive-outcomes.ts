import { isLifeboatError } from '../core/index.ts';
import type { ArchiveOutcome } from '../sources/index.ts';
import { alarmOf } from './alarm.ts';
import type { ServiceEvent } from './service-event.ts';

/** A server asks again and again; the same trouble is told once in so long. */
const repeatMs = 60 * 60_000;

/** Turns what becomes of the requests of a server into alarms. */
export class ArchiveOutcomes {
  readonly #source: string;
  readonly #onEvent: (event: ServiceEvent) => void;
  /** When each trouble was told, by operation and error code. */
  readonly #told = new Map<string, number>();

  constructor(source: string, onEvent: (event: ServiceEvent) => void) {
    this.#source = source;
    this.#onEvent = onEvent;
  }

  add({ operation, error }: ArchiveOutcome): void {
    if (error === undefined) {
      for (const key of this.#told.keys()) if (key.startsWith(operation)) this.#told.delete(key);
      return;
    }
    const key = `${operation} ${isLifeboatError(error) ? error.code : 'bug'}`;
    const now = performance.now();
    if (now - (this.#told.get(key) ?? Number.NEGATIVE_INFINITY) < repeatMs) return;
    this.#told.set(key, now);
    const action =
      operation === 'put'
        ? 'the server keeps the file and asks again; its disk fills up meanwhile'
        : 'the recovery that asked stops, or asks again if it is a standby';
    this.#onEvent(alarmOf({ source: this.#source }, error, action));
  }
}
