import type { Progress } from '../../core/index.ts';
import type { PlatformIdentity } from '../../platforms/index.ts';
import type { DatabaseProperties } from './server/database-properties.ts';

/** Where a recovered source can be put. One folder of this one per kind, `registry.ts` lists them. */
export type GroundKind = 'folder' | 'docker-volume' | 'kubernetes-claim' | 'ssh-host' | 'server';

/** As `PlatformIdentity`; `machines` may also name a cluster of PostgreSQL: `postgres 7412...`. */
export type GroundIdentity = Pick<PlatformIdentity, 'text' | 'fingerprint' | 'machines'>;

export interface GroundRequest {
  readonly signal?: AbortSignal;
  readonly progress?: Progress;
  /** What is about to be removed for good; it is when this resolves. */
  readonly willRemove?: (removal: DatabaseRemoval) => Promise<void>;
}

export interface GroundContents {
  /** It holds nothing, or is not there at all. */
  readonly isEmpty: boolean;
  /** Of the cluster of PostgreSQL whose data it is, by its `pg_control`; absent: there is none, or it cannot be told. */
  readonly systemId?: string;
  /** It was looked through, holds files, and for certain no cluster of PostgreSQL, nor has a folder near its root one. */
  readonly hasNoCluster?: true;
}

/** Databases of a server that are given up: replaced ones, or such as were brought there. */
export interface DatabaseRemoval {
  readonly systemId: string;
  /** From here on in the log of that server. */
  readonly timeline: number;
  readonly lsn: string;
  readonly databases: readonly { readonly oid: number; readonly name: string }[];
}

/** What it holds of one delivery, found by looking, not by remembering. */
export type DeliveryState =
  /** Nothing of this delivery is there. */
  | 'nothing'
  /** It was begun; to be filled again. What was moved here already is found, so that the delivered folder need not be there any more. */
  | 'begun'
  /** Complete and durable, beside what is in use. */
  | 'filled'
  /** A swap was begun and not finished: `swap` and `swapBack` both go on from here. */
  | 'half-swapped'
  /** In use; the former data lies beside it. Also while `settle` is under way: it is to be called again then. */
  | 'swapped'
  /** In use; the former data is gone. */
  | 'settled';

/**
 * Receives a recovered source beside what is there, puts it in place as a step of its own, and keeps the former data until it is told to
 * let go. Deliveries are told apart by their `token` (the run's): what one left is never touched by another. Every call may be repeated
 * after a crash anywhere in it. Nothing is removed but what this token brought, or, by `settle`, what it replaced.
 * Errors: `ground.unavailable`, `ground.no-room`, `ground.failed`, `target.in-use` (a swap, while somebody uses the data), `disk.full`,
 * `postgres.*` (a server), `cancelled`.
 */
export interface Ground<Delivery = TreeDelivery | DatabaseDelivery> {
  readonly kind: GroundKind;
  /** For people: `docker volume shop_db-data on web-1`. */
  describe(): string;
  /** The place as it says of itself, compared before anything is changed. */
  identify(request?: GroundRequest): Promise<GroundIdentity>;
  /** What can be used there; undefined where it cannot be known. */
  freeBytes(request?: GroundRequest): Promise<number | undefined>;
  /** What services use there; undefined where it cannot be known. Changes nothing. */
  contents(request?: GroundRequest): Promise<GroundContents | undefined>;
  state(token: string, request?: GroundRequest): Promise<DeliveryState>;
  /** Brings it beside what is in use. Resolves when it is complete and durable there. */
  fill(token: string, delivery: Delivery, request?: GroundRequest): Promise<void>;
  /**
   * Puts it in place; nobody may use the data meanwhile. What was there is kept, also when an older delivery brought it: that one keeps what
   * it had replaced. Refused over half a swap of another token. Resolves with `formerAt`.
   */
  swap(token: string, request?: GroundRequest): Promise<string | undefined>;
  /** Where what this delivery replaced is kept, for people; undefined: nothing of it is, because nothing was there or it was let go of. */
  formerAt(token: string, request?: GroundRequest): Promise<string | undefined>;
  /** The former data back in place; what was delivered lies beside again. Refused while a newer delivery lies over it. */
  swapBack(token: string, request?: GroundRequest): Promise<void>;
  /** Ends the rollback window: removes what this delivery replaced, and nothing that older or newer ones did. */
  settle(token: string, request?: GroundRequest): Promise<void>;
  /** Removes what tells of a delivery that is settled: nothing of ours stays among what services use. No other delivery is touched. */
  forget(token: string, request?: GroundRequest): Promise<void>;
  /** Removes a delivery that is not in use. */
  discard(token: string, request?: GroundRequest): Promise<void>;
}

/** A complete, validated tree on this host: a data directory, or files. It is moved where that is the same file system, else copied. */
export interface TreeDelivery {
  readonly kind: 'tree';
  readonly folder: string;
  readonly bytes: number;
  /** Who the files are to belong to there; default: as they are. */
  readonly owner?: { readonly uid: number; readonly gid: number };
}

/** Databases of a private server on this host, to be brought in over a connection. */
export interface DatabaseDelivery {
  readonly kind: 'databases';
  readonly databases: readonly string[];
  /** Where client programs of PostgreSQL may lie besides the usual places. */
  readonly programsFolder?: string;
  /** What each is beside its content, for a server that has none of that name. */
  properties(database: string, request?: GroundRequest): Promise<DatabaseProperties>;
  /** Writes one of them as a `pg_dump` custom archive to `file`. */
  dump(database: string, file: string, request?: GroundRequest): Promise<void>;
}
