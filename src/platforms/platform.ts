import type { ServiceSetting } from '../config/index.ts';
import type { Progress } from '../core/index.ts';
import type { ServiceBaseline } from './service-baseline.ts';

/** How services are stopped and started: one folder of this one per kind, `registry.ts` lists them. */
export type PlatformKind = 'docker' | 'kubernetes' | 'systemd' | 'shell';

export interface PlatformRequest {
  readonly signal?: AbortSignal;
  readonly progress?: Progress;
  /** How long the platform may take until the service is as asked for. */
  readonly timeoutMs?: number;
}

/**
 * The place that commands really go to, as it says of itself. A plan records it, every run compares it before anything is changed: a
 * context that was switched, or the wrong host, is found out there.
 */
export interface PlatformIdentity {
  readonly kind: PlatformKind;
  /** For people: `docker on web-1 (unix:///var/run/docker.sock)`, `kubernetes context prod, https://...`. */
  readonly text: string;
  /** Differs between any two places: engine id, UID of the kube-system namespace, machine id. */
  readonly fingerprint: string;
  /**
   * What it lies on, whatever it is called here: `machine 3d12...`, `docker-engine 7f0c...`, `kubernetes 91ab...`. Two places that have one
   * in common are on the same machine, or under the same control. None: it is not known.
   */
  readonly machines?: readonly string[];
}

export type ServiceStatus = 'running' | 'stopped' | 'starting' | 'failing' | 'absent';

/** What a service is at a moment, and all that is needed to make it exactly this again. JSON; secrets are not in it. */
export interface ServiceState {
  readonly status: ServiceStatus;
  /** What runs, for people: `2 of 3 replicas ready`, `Up 3 hours (healthy)`, `exited with 137, restarted 12 times`. */
  readonly text: string;
  /**
   * How often the platform itself started it again since somebody did, of several parts the one that was it most often, and since when that one
   * runs (ISO 8601). Absent: it was not, or the platform does not tell.
   */
  readonly restarts?: ServiceRestarts;
  /**
   * Only the platform itself reads this: former replicas, restart policy, whether a unit was enabled or suspended. Empty: whatever there
   * is of the service is meant, to run or not as `status` says.
   */
  readonly restore: Readonly<Record<string, unknown>>;
}

/**
 * Drives the services of one configuration entry through the platform's own command line, with argument arrays. Every call may be
 * repeated: asked for what is the case already, it changes nothing. Errors: `platform.unavailable` (no program, no daemon, no access),
 * `platform.failed` (the command said no), `platform.timeout` (not as asked for in time; the message says what it is instead),
 * `platform.other-place` (not the identity that was expected), `cancelled`.
 */
export interface Platform {
  readonly kind: PlatformKind;
  identify(request?: PlatformRequest): Promise<PlatformIdentity>;
  inspect(service: ServiceSetting, request?: PlatformRequest): Promise<ServiceState>;
  /** Resolves when nothing of the service runs any more, and nothing will start it again by itself. */
  stop(service: ServiceSetting, request?: PlatformRequest): Promise<void>;
  /** Makes the service what it was in `state`: one that was stopped stays stopped. Resolves when it is there (ready, if it tells). */
  restore(service: ServiceSetting, state: ServiceState, request?: PlatformRequest): Promise<void>;
  /**
   * What it was before `stop`, where the platform itself remembers that: for a thaw when the recorded state was lost. Undefined: it
   * remembers nothing of it.
   */
  remembered?(
    service: ServiceSetting,
    request?: PlatformRequest,
  ): Promise<ServiceState | undefined>;
  /** Stops and starts it. */
  restart(service: ServiceSetting, request?: PlatformRequest): Promise<void>;
  /** What it was made of: image digest, command, names and salted hashes of its environment, published ports. */
  baseline(
    service: ServiceSetting,
    salt: Uint8Array,
    request?: PlatformRequest,
  ): Promise<ServiceBaseline>;
  /** The newest lines it wrote, oldest first. */
  output(
    service: ServiceSetting,
    range: OutputRange,
    request?: PlatformRequest,
  ): Promise<readonly string[]>;
  /** What it uses now; undefined where the platform does not tell. */
  resources(
    service: ServiceSetting,
    request?: PlatformRequest,
  ): Promise<ServiceResources | undefined>;
  /** Cuts it off from every network, or back on; undefined where the platform cannot. Its processes and files stay as they are. */
  readonly isolation?: ServiceIsolation;
}

export interface ServiceRestarts {
  readonly count: number;
  readonly since?: string;
}

export interface OutputRange {
  readonly since?: Date;
  /** At most so many, the newest. */
  readonly lines: number;
}

export interface ServiceResources {
  /** Of one processor: 1.5 is one and a half. */
  readonly processors?: number;
  readonly memoryBytes?: number;
}

export interface ServiceIsolation {
  /**
   * What undoes an isolation from here, without changing anything: to be recorded before `isolate`, since after a death half-way through
   * it nobody else knows the former networks.
   */
  prepare(
    service: ServiceSetting,
    request?: PlatformRequest,
  ): Promise<Readonly<Record<string, unknown>>>;
  /** Resolves with what undoes it, which is only what was left to be cut off: after a death half-way through, take the recorded one. */
  isolate(
    service: ServiceSetting,
    request?: PlatformRequest,
  ): Promise<Readonly<Record<string, unknown>>>;
  rejoin(
    service: ServiceSetting,
    undo: Readonly<Record<string, unknown>>,
    request?: PlatformRequest,
  ): Promise<void>;
}
