import { type ErrorCode, isLifeboatError, type LifeboatError } from '../../../core/index.ts';
import { type ConnectionSettings, describePlace, eachHost } from '../connection-settings.ts';

/** Faults of one server that another one of the cluster need not have. */
const ofOneServer: readonly ErrorCode[] = [
  'postgres.old-primary',
  'postgres.standby-behind',
  'postgres.other-cluster',
  'postgres.slot-lost',
];
/** Such a server will never go on where we are. */
const goneAnotherWay: readonly ErrorCode[] = ['postgres.old-primary', 'postgres.other-cluster'];

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

/**
 * Of what all servers said, that which decides. A lost slot ends in a gap, so it decides only if the primary said it, or no other
 * server that was named may still have the WAL.
 */
export function decisiveOf(errors: readonly unknown[]): unknown {
  const lost = errors.filter((error) => isLifeboatError(error, 'postgres.slot-lost'));
  if (lost.length === 0) return errors.at(-1);
  const ofPrimary = lost.find(({ context }) => context.isStandby === false);
  return ofPrimary ?? errors.find(mayHaveWal) ?? lost[0];
}

function mayHaveWal(error: unknown): boolean {
  if (isLifeboatError(error, 'postgres.slot-lost', ...goneAnotherWay)) return false;
  // All that are left were reached, and are of a kind that the connection does not want.
  return !isLifeboatError(error) || error.context.isMisfit !== true;
}

/** The server whose slot is lost: no other one's is touched. */
export function refuserOf(settings: ConnectionSettings, lost: LifeboatError): ConnectionSettings {
  const refuser = eachHost(settings).find((host) => describePlace(host) === lost.context.server);
  return refuser ?? settings;
}
