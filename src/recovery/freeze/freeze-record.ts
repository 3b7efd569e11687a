import type { ServiceState } from '../../platforms/index.ts';

/** Where something is, as the place says of itself. */
export interface FrozenPlace {
  readonly text: string;
  readonly fingerprint: string;
}

/**
 * `planned`: written down with its former state, and may have been begun; `done`: changed; `undone`: as before; `left`: given up by a
 * person, as it is.
 */
export type FreezeItemState = 'planned' | 'done' | 'undone' | 'left';

interface ItemBasics {
  /** Unique within the freeze, for people and for `--leave`: `service api`, `database shop of orders-db`. */
  readonly name: string;
  /** For whose sake it is frozen; none: a service that was named itself. */
  readonly sources: readonly string[];
  readonly place: FrozenPlace;
  /** What the freeze does to it, imperative. */
  readonly intent: string;
  readonly state: FreezeItemState;
  /** When what was before was seen, ISO 8601; absent, of a former version: with the beginning of the freeze. */
  readonly recordedAt?: string;
  /** Why the last attempt, to freeze or to thaw it, came to nothing. */
  readonly problem?: string;
}

export interface FrozenService extends ItemBasics {
  readonly kind: 'service';
  readonly service: string;
  readonly former: ServiceState;
}

/** One entry of the rights of a database, by role oids: names may change. */
export interface ConnectGrant {
  readonly grantor: number;
  /** 0: everybody (PUBLIC). */
  readonly grantee: number;
  readonly isGrantable: boolean;
}

export interface FrozenDatabase extends ItemBasics {
  readonly kind: 'database';
  /** By whose connection it is reached. */
  readonly source: string;
  readonly systemId: string;
  readonly oid: number;
  readonly database: string;
  readonly former: {
    /** Of `default_transaction_read_only` in the settings of the database; null: none. */
    readonly readOnly: string | null;
    /** Of pg_database, as text; null: nobody ever changed the default. */
    readonly acl: string | null;
    readonly connectionLimit: number;
  };
  /** Its source is in use at another place: this one stays closed. */
  readonly isFormer?: true;
  /** What of it is changed. Undoing these is what a thaw does, whether or not all of them were reached. */
  readonly change: DatabaseChange;
}

export interface DatabaseChange {
  readonly setReadOnly: boolean;
  /** Rights to connect that are taken away, in this order. */
  readonly revoke: readonly ConnectGrant[];
  /** Roles of ours that get the right to connect, by oid. */
  readonly grant: readonly number[];
  readonly connectionLimit?: number;
}

export interface FrozenMaintenanceCommand extends ItemBasics {
  readonly kind: 'maintenance-command';
  /** `unknown`: there is no command that tells. */
  readonly former: 'on' | 'off' | 'unknown';
}

export interface FrozenMaintenanceFile extends ItemBasics {
  readonly kind: 'maintenance-file';
  readonly at: string;
  /** Where the former file is kept meanwhile; the very file, under another name. */
  readonly kept: string;
  /** Null: there was none. */
  readonly former: FileMark | null;
  /** Hash of the maintenance page as it was put there. */
  readonly pageSha256: string;
}

/** What shows that a file is still the one that was seen. */
export interface FileMark {
  readonly inode: string;
  readonly bytes: number;
}

export type FreezeItem =
  | FrozenService
  | FrozenDatabase
  | FrozenMaintenanceCommand
  | FrozenMaintenanceFile;

/** Something that can still write, or could not be frozen; what a person can do about it. */
export interface FreezeGap {
  readonly kind: 'session' | 'right' | 'service' | 'server' | 'subscription' | 'source' | 'page';
  readonly source?: string;
  /** What is the case. */
  readonly what: string;
  readonly remedy: string;
  /** Word for word, for a superuser; nothing of it was run. */
  readonly sql?: readonly string[];
}

/** That a source is to be frozen: for a run until its thaw, or by hand until a thaw by hand. */
export interface FreezeHold {
  readonly source: string;
  /** Absent: by hand. */
  readonly run?: string;
  readonly actor: string;
  /** ISO 8601. */
  readonly since: string;
  /** Run whose thaw ends it too: it was frozen by hand before that run. */
  readonly takenBy?: string;
  /** It is in use at another place: only the one that it has left is held, which keeps nobody else from opening the new one. */
  readonly isFormer?: true;
}

/** What this freeze has taken in of another one, most often of another host: that one holds it no more. */
export interface TakenFreeze {
  readonly id: string;
  readonly host: string;
  /** Of what it had recorded by then, as `keysOf` has it. */
  readonly keys: readonly string[];
}

/** Stored in `freezes/` of the state folder before anything is changed, and as records of kind `freeze`. JSON, no secrets. */
export interface FreezeRecord {
  readonly format: 1;
  /** `20261126T185501Z-3f2a91`. */
  readonly id: string;
  /** `name` of the configuration. */
  readonly installation: string;
  readonly host: string;
  readonly actor: string;
  /** ISO 8601. */
  readonly startedAt: string;
  /** Grows with every version that was stored. */
  readonly revision: number;
  readonly phase: 'freezing' | 'frozen' | 'thawing' | 'thawed';
  /** What is frozen still. */
  readonly sources: readonly string[];
  /** For whom they are; a source is thawed by a run when nobody else wants it frozen. */
  readonly holds?: readonly FreezeHold[];
  readonly items: readonly FreezeItem[];
  /** Freezes that this one goes on with. Only the host that has begun a record writes it; another one takes it in, and says so here. */
  readonly tookOver?: readonly TakenFreeze[];
  /** As last seen. */
  readonly gaps: readonly FreezeGap[];
  readonly thawedAt?: string;
}

/** Undefined: of another version, damaged, or something else. */
export function parseFreezeRecord(value: unknown): FreezeRecord | undefined {
  const record = value as FreezeRecord | null;
  const isOne =
    typeof record === 'object' &&
    record?.format === 1 &&
    typeof record.id === 'string' &&
    /^[0-9TZ]{16}-[0-9a-f]{6}$/.test(record.id) &&
    typeof record.installation === 'string' &&
    typeof record.revision === 'number' &&
    !Number.isNaN(Date.parse(record.startedAt)) &&
    Array.isArray(record.sources) &&
    Array.isArray(record.gaps) &&
    Array.isArray(record.holds ?? []) &&
    Array.isArray(record.tookOver ?? []) &&
    (record.tookOver ?? []).every(
      (taken) => typeof taken?.id === 'string' && Array.isArray(taken.keys),
    ) &&
    Array.isArray(record.items) &&
    record.items.every((item) => typeof item?.name === 'string' && Array.isArray(item.sources));
  return isOne ? record : undefined;
}

/** What a thaw still has to do with it. */
export function isFrozen({ state }: Pick<FreezeItem, 'state'>): boolean {
  return state === 'planned' || state === 'done';
}
