import { type ErrorCode, isLifeboatError, type LifeboatError } from '../../../core/index.ts';
import { type ConnectionSettings, describePlace, eachHost } from '../connection-settings.ts';

/** Faults of one server that another one of the cluster need not have. */
const ofOneServer: readonly ErrorCode[] = [
  'postgres.old-primary',
  'postgres.standby-behind',
  'postgres.other-cluster',
  'postgres.slot-lost',
];

/**
 * Of several servers that the connection names, those that may go on where we are, in its order. One that cannot (a former primary
 * that came back, a standby that is behind) is passed over until all were asked.
 */
export class ServerChoice {
  readonly #settings: ConnectionSettings;
  readonly #hosts: readonly ConnectionSettings[];
  /** Why each was passed over. */
  readonly #refusals = new Map<string, LifeboatError>();

  constructor(settings: ConnectionSettings) {
    this.#settings = settings;
    this.#hosts = eachHost(settings);
  }

  /** Of those that were not passed over. */
  get settings(): ConnectionSettings {
    const [first, ...otherHosts] = this.#hosts.filter(
      (host) => !this.#refusals.has(describePlace(host)),
    );
    const { otherHosts: _, ...rest } = this.#settings;
    if (!first) return this.#settings;
    const place = { host: first.host, port: first.port };
    return { ...rest, ...place, ...(otherHosts.length > 0 ? { otherHosts } : {}) };
  }

  /** True when another server is left to be asked instead. `server` gave the error. */
  passOver(server: ConnectionSettings | undefined, error: unknown): boolean {
    if (!server || !isLifeboatError(error, ...ofOneServer)) return false;
    this.#refusals.set(describePlace(server), error);
    return this.#refusals.size < this.#hosts.length;
  }

  /** All may be asked again. Says what those that were passed over said. */
  reset(): readonly LifeboatError[] {
    const errors = [...this.#refusals.values()];
    this.#refusals.clear();
    return errors;
  }
}
