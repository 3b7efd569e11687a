import type { Environment, LossType, Severity } from '../../config/index.ts';
import type { SourceKind } from '../../sources/index.ts';
import type { LossSuspect } from '../assess/loss-report.ts';
import type { TableName } from '../extract/parts.ts';
import type { GroundKind } from '../ground/ground.ts';
import type { StepKindName } from '../steps/step-kind.ts';
import type { Method } from './plan.ts';

/** All that the choice of a method depends on. JSON: times ISO 8601, positions as text. No secrets. */
export interface PlanFacts {
  readonly time: string;
  readonly incident: IncidentFacts;
  readonly wish: Wish;
  /** Those that may be concerned, in the order of the configuration. */
  readonly sources: readonly SourceFacts[];
  readonly services: readonly ServiceFacts[];
  /** Of former runs, drills and rescues, the newest first. */
  readonly measured: readonly MeasuredStep[];
  /** What could not be looked at, and why: for people. */
  readonly unseen: readonly string[];
}

/** How long a step took once. */
export interface MeasuredStep {
  readonly kind: StepKindName;
  readonly source?: string;
  readonly durationMs: number;
  readonly time: string;
  /** Where it stands: `rescue 4f2a91c0`, `run 77aa01b2`. */
  readonly where: string;
  /** Without what had to be restored for it first. */
  readonly isPart?: true;
  /** How much it worked on, where that is what takes the time. */
  readonly amount?: { readonly of: 'rows' | 'bytes'; readonly count: number };
}

export interface IncidentFacts {
  readonly id: string;
  readonly severity?: Severity;
  readonly lossType?: LossType;
  /** Nobody has said it: it is what the findings look like. */
  readonly isGuess?: true;
}

/** What a person has asked for; it stands above what was found. */
export interface Wish {
  readonly method?: Method;
  readonly target?: WishedTarget;
  /** Only these, of the database of the source's connection unless one is named. */
  readonly tables?: readonly TableName[];
  readonly database?: string;
}

export interface WishedTarget {
  /** `RecoveryTarget`, positions and times as text. */
  readonly target: Readonly<Record<string, unknown>>;
  readonly text: string;
  /** Where it lies in time; absent where only the position is known. */
  readonly time?: string;
  readonly snapshot?: string;
  readonly timeline?: number;
  /** It is the state just before this transaction. */
  readonly beforeXid?: number;
}

/**
 * `refusing`: it answers and does not let us in; `other`: another cluster than the one that was backed up answers there, or lies in its place,
 * such as a new and empty one.
 */
export type ServerCondition = 'up' | 'refusing' | 'down' | 'other' | 'unknown';

export interface SourceFacts {
  readonly name: string;
  readonly kind: SourceKind;
  readonly environment: Environment;
  /** Writes of how long may be lost, as is promised; absent: nothing is. */
  readonly rpoMs?: number;
  /** Where it lives, for people: `lifeboat@db:5432/shop`, paths. */
  readonly text: string;
  readonly place: PlaceFacts;
  readonly server: ServerCondition;
  readonly systemId?: string;
  /** The service that is its server. */
  readonly service?: string;
  /** Of its connection. */
  readonly database?: string;
  readonly damage: DamageFacts;
  /** The newest first. */
  readonly windows: readonly WindowFacts[];
  /** Along timelines that were given up when a recovery was taken back, the newest first. */
  readonly givenUp?: readonly WindowFacts[];
  readonly snapshots: readonly SnapshotFacts[];
  readonly proofs: readonly ProofFacts[];
  /** Of a volume: its files are put back by way of its ground, because this host cannot work on them itself. */
  readonly isOutOfReach?: true;
  /** Where it would be put; absent: nowhere is configured, and none is by itself. */
  readonly ground?: GroundFacts;
}

/** A place, as far as two can be told to be one. */
export interface PlaceFacts {
  /** Name of the machine; absent where it is not known. */
  readonly host?: string;
  /** Of engine, cluster or host, as the place says of itself. */
  readonly fingerprint?: string;
  /** Machines, engines and clusters that it lies on, whatever they are called: see `PlatformIdentity`. */
  readonly machines?: readonly string[];
}

export interface GroundFacts extends PlaceFacts {
  readonly kind: GroundKind;
  readonly text: string;
  /** Another place than the one that the source is in now. */
  readonly isElsewhere: boolean;
  readonly freeBytes?: number;
  /** What services use there holds nothing, or is not there; see `isWorthLooking` for when that is asked. */
  readonly isEmpty?: boolean;
  /** Of the cluster that lies there; asked together with `isEmpty`. */
  readonly systemId?: string;
  /** It holds files, and for certain no cluster; asked together with `isEmpty`. */
  readonly hasNoCluster?: true;
  /** Why it could not be looked at. */
  readonly problem?: string;
}

export interface DamageFacts {
  /** The worst first. */
  readonly suspects: readonly LossSuspect[];
  readonly missingDatabases: readonly string[];
  /** They were there, and are not any more. */
  readonly missingTables: readonly TableFacts[];
  /** They are there, with fewer rows than there should be. */
  readonly shortTables: readonly TableFacts[];
  /** All tables that were there are gone. */
  readonly isEmpty: boolean;
  /** Pages or structure of them are not sound. */
  readonly damagedTables: readonly TableFacts[];
  /** So much of it is damaged that the server does not work with it. */
  readonly isUnreadable: boolean;
  /** Files of the newest snapshot that are not there, where the report calls that no damage: people delete files. */
  readonly deletedFiles?: number;
  readonly files?: {
    readonly missing: number;
    readonly changed: number;
    readonly missingPaths: readonly string[];
    /** Why it looks like encryption or bulk deletion. */
    readonly signs: readonly string[];
  };
}

export interface TableFacts {
  readonly database: string;
  readonly schema: string;
  readonly name: string;
}

export interface WindowFacts {
  readonly from: string;
  readonly to: string;
  readonly fromLsn: string;
  readonly toLsn: string;
  readonly timeline: number;
}

export interface SnapshotFacts {
  readonly id: string;
  readonly time: string;
  readonly bytes: number;
  readonly lsn?: string;
  /** Of the cluster that it is of. */
  readonly systemId?: string;
  /** Flagged, incomplete, or with damaged pages: why it should not be trusted. */
  readonly doubts: readonly string[];
  /** How long its backup took. */
  readonly durationMs?: number;
  readonly serverVersion?: number;
}

export interface ProofFacts {
  readonly id: string;
  readonly time: string;
  readonly verdict: 'passed' | 'failed';
  /** Passed, and not expired. */
  readonly isValid: boolean;
  readonly snapshot?: string;
  readonly fromLsn?: string;
  readonly fromTime?: string;
  readonly reachedLsn?: string;
  readonly reachedTime?: string;
  readonly rtoMs: number;
  readonly phases: readonly {
    readonly phase: 'restore' | 'replay' | 'validate';
    readonly durationMs: number;
  }[];
}

export interface ServiceFacts {
  readonly name: string;
  readonly writes: readonly string[];
  readonly status?: 'running' | 'stopped' | 'starting' | 'failing' | 'absent';
  readonly place: PlaceFacts;
  /** What differs from the recorded baseline, in words. */
  readonly changes: readonly string[];
  /** Record of that baseline. */
  readonly baseline?: string;
  /** Names of its environment variables, as far as a baseline knows them. */
  readonly environmentNames: readonly string[];
}
