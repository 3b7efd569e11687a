import type { StepKindName } from './step-kind.ts';

/** One thing to be put right after an intrusion: what it is, where it stands, and how it is changed. */
export interface CredentialToRotate {
  /** Unique within the step: `password of the source database`, `API keys of other services`. */
  readonly name: string;
  /** Who says that it exists. `unknown`: nobody could, it is asked of a person. */
  readonly from: 'source' | 'repository' | 'ground' | 'environment' | 'configuration' | 'unknown';
  /** What a person has to do, in words. Where `recovery.credentials` has a command of this name, that is run instead. */
  readonly how: string;
}

/**
 * What a plan gives to each kind of step. Names lead into the configuration, ids to former steps of the same plan: what these left is
 * in `StepContext.outcomes`. JSON, no secrets, no connection strings.
 */
export interface StepInputs {
  /** Compares every place with what the plan saw: `ground.other-place`, `platform.other-place` when one differs. */
  readonly identify: {
    readonly places: Readonly<
      Record<string, { readonly text: string; readonly fingerprint: string }>
    >;
  };
  /** Stops the services in this order; then the sources take no writes and no other sessions. `thaw` undoes it by the id of this step. */
  readonly freeze: {
    readonly services: readonly string[];
    readonly sources: readonly string[];
    /** For whose sake, with those that have no server to close: what was frozen for them by hand before is thawed with it. Default: `sources`. */
    readonly holds?: readonly string[];
    /** Shows the maintenance page of `recovery.maintenance` or `recovery.maintenanceFile` first. */
    readonly maintenance: boolean;
  };
  /** Cuts services off from every network, and runs the commands of `recovery.isolate` with these names. Never undone by itself. */
  readonly isolate: { readonly services: readonly string[]; readonly commands: readonly string[] };
  /** Runs the commands of `recovery.forensicCopies` with these names; copies what of the sources this host can read, as it is. */
  readonly 'forensic-copy': {
    readonly copies: readonly string[];
    readonly sources: readonly string[];
  };
  /** A backup of the source as it is now, tagged as safety snapshot. `raw`: damage is no reason to end it. */
  readonly 'safety-snapshot': { readonly source: string; readonly raw: boolean };
  readonly assess: { readonly sources: readonly string[] };
  /** Nothing but its approval. */
  readonly clearance: Record<string, never>;
  /** `didNotRun`: so it was before; undone it is stopped. `source`: whose server it is, where its data is left as it is. */
  readonly restart: {
    readonly service: string;
    readonly didNotRun?: true;
    readonly source?: string;
  };
  /** Puts back what one transaction destroyed; conflicts are saved beside, and make the outcome partial. */
  readonly 'rescue-rows': {
    readonly source: string;
    readonly xid: number;
    readonly commitLsn: string;
    /** Name of the database, as it is typed to allow it; undefined where no map of names knows it. */
    readonly database?: string;
    /** In a drill: only counts what would be put back. */
    readonly dryRun?: true;
  };
  /** Tables as they were. Nothing that exists is replaced. */
  readonly extract: {
    readonly source: string;
    readonly target: Readonly<Record<string, unknown>>;
    readonly snapshot?: string;
    readonly timeline?: number;
    readonly database: string;
    /** Empty: the whole database. */
    readonly tables: readonly { readonly schema?: string; readonly name: string }[];
    /** `original`: under their own names, which must be free; `run-folder`: a dump beside, in a drill. */
    readonly into: 'original' | 'side-schema' | 'run-folder';
  };
  /** A source at a moment into the folder of the run. Leaves `folder`, `bytes`, `serverVersion`, `reached`. */
  readonly restore: {
    readonly source: string;
    /** `RecoveryTarget`, positions and times as text. */
    readonly target: Readonly<Record<string, unknown>>;
    readonly snapshot?: string;
    readonly timeline?: number;
  };
  /**
   * `run-folder`: all of the snapshot beside, to be delivered. `in-place`: where the files were, each replaced in one step; `missing`
   * puts back only what is not there, `changed` also what differs.
   */
  readonly 'restore-files': {
    readonly source: string;
    readonly snapshot: string;
    readonly into: 'run-folder' | 'in-place';
    readonly replace: 'missing' | 'changed';
  };
  /** Back to the image, environment and files of the recorded baseline: by `commands` of the step where they say how, else by a person. */
  readonly redeploy: {
    readonly service: string;
    /** Id of the record of the baseline. */
    readonly baseline?: string;
    /** What differs from it, in words. */
    readonly differs: readonly string[];
  };
  /** Looks at what the step `of` restored, with the checks of the source; of `live`, at the live source. */
  readonly validate: {
    readonly source: string;
    readonly of: string | 'live';
    readonly level: 'quick' | 'full';
  };
  /** Brings what the step `of` restored beside what is in use on the ground of the source, or on `ground` where that is named. */
  readonly deliver: { readonly source: string; readonly of: string };
  /** Puts what the step `of` delivered in place. */
  readonly swap: { readonly source: string; readonly of: string };
  /** Points services at what the step `of` delivered, by their `switch`. */
  readonly 'point-services': {
    readonly source: string;
    readonly of: string;
    readonly services: readonly string[];
  };
  /** The entry of `recovery.after` with this name. */
  readonly command: { readonly name: string };
  /** Something that only a person can do. `typed`: what has to be typed to say that it was done. */
  readonly manual: { readonly instruction: string; readonly typed: string };
  readonly 'rotate-credentials': { readonly credentials: readonly CredentialToRotate[] };
  /** Starts the services in test mode on what the step `of` restored; their checks must hold. */
  readonly 'test-services': {
    readonly source: string;
    readonly of: string;
    readonly services: readonly string[];
  };
  /**
   * Undoes the freeze of the step `of`. Databases of the `moved` sources stay closed: those are in use at a new place. Who was to be pointed there by a
   * step that was left out stays stopped.
   */
  readonly thaw: {
    readonly of: string;
    readonly moved?: {
      readonly sources: readonly string[];
      /** Names of services, by the id of the step that points them. */
      readonly pointedBy: Readonly<Record<string, readonly string[]>>;
    };
  };
  readonly watch: {
    readonly services: readonly string[];
    readonly sources: readonly string[];
    readonly durationMs: number;
  };
  readonly backup: { readonly source: string };
  readonly prove: { readonly source: string };
  /**
   * Lets go of what the swap `of` replaced, not before `afterMs` have passed since it. Its former databases that the freeze of the step `closed` holds
   * stay closed, and no thaw opens them any more.
   */
  readonly settle: {
    readonly source: string;
    readonly of: string;
    readonly afterMs: number;
    readonly closed?: string;
  };
}

/** Every kind has an input: this does not compile otherwise. */
export type InputOf<Kind extends StepKindName> = StepInputs[Kind];
