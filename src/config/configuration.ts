import { parseByteSize, parseTimeSpan } from './quantity.ts';
import type { IncidentsFile } from './schema/incident.ts';
import type { PasswordSetting } from './schema/parts.ts';
import type { IntegrityFile, ProofsFile } from './schema/proofs.ts';
import type { Environment, RecoveryFile } from './schema/recovery.ts';
import type { RetentionSetting } from './schema/retention.ts';
import type { ServiceSetting } from './schema/service.ts';
import type {
  DumpSourceSetting,
  FilesSourceFile,
  PostgresSourceFile,
  VolumeSourceFile,
} from './schema/source.ts';
import type { ConfigurationFile } from './schema.ts';

/** A checked `lifeboat.yaml` with absolute paths and defaults filled in. */
export interface Configuration {
  /** Path of the file it was read from. */
  readonly file: string;
  /** What stands in it, as it was checked, with absolute paths. */
  readonly declared: ConfigurationFile;
  readonly name: string;
  readonly repositories: Readonly<Record<string, RepositorySetting>>;
  readonly sources: Readonly<Record<string, SourceSetting>>;
  /** In an order that starts each after those that it needs. */
  readonly services: readonly ServiceSetting[];
  readonly recovery: RecoveryFile;
  readonly incidents: IncidentsFile;
  readonly retention?: RetentionSetting;
  readonly proofs?: ProofsFile;
  readonly integrity?: IntegrityFile;
  readonly stateFolder: string;
  /** Where runs are kept that several hosts share; undefined: in the state folder. */
  readonly stateServer?: { readonly connection: string; readonly password?: PasswordSetting };
  readonly scratchFolder?: string;
  readonly spoolLimitBytes?: number;
}

export interface RepositorySetting {
  readonly location: string;
  readonly password: PasswordSetting;
  /** Name of the repository whose copy this is. */
  readonly copyFrom?: string;
  /** Cron expressions. */
  readonly copySchedule?: string;
  readonly prune?: string;
  readonly check?: string;
  /** How much a scheduled check reads: `all` or a share, from 0 to 1. */
  readonly checkData?: 'all' | number;
  readonly lock?: { readonly durationMs: number; readonly mode: 'governance' | 'compliance' };
  readonly uploadBytesPerSecond?: number;
  readonly downloadBytesPerSecond?: number;
  /** `folder: false`: none. */
  readonly cache?: { readonly folder?: string | false; readonly sizeBytes?: number };
  readonly retention?: RetentionSetting;
}

/** How long a recovery of these sources may take, of several the shortest; undefined: nothing was promised. */
export function recoveryObjectiveMs(
  { sources }: Configuration,
  names: readonly string[],
): number | undefined {
  const promised = names.flatMap((name) => {
    const { rto } = sources[name]?.objectives ?? {};
    return rto === undefined ? [] : [parseTimeSpan(rto) as number];
  });
  return promised.length === 0 ? undefined : Math.min(...promised);
}

/** Writes of how long may be lost of a source; undefined: nothing was promised. */
export function lossObjectiveMs({ objectives }: Pick<SourceSetting, 'objectives'>) {
  return objectives?.rpo === undefined ? undefined : (parseTimeSpan(objectives.rpo) as number);
}

export type FilesSourceSetting = Omit<FilesSourceFile, 'largerThan'> & {
  readonly largerThanBytes?: number;
};
export type VolumeSourceSetting = Omit<VolumeSourceFile, 'largerThan'> & {
  readonly largerThanBytes?: number;
};
export type PostgresSourceSetting = Omit<PostgresSourceFile, 'drift' | 'backupRate'> & {
  /** `dropAtMost` as a part of 1. */
  readonly drift?: { readonly dropAtMost?: number; readonly ignore?: readonly string[] };
  readonly backupBytesPerSecond?: number;
};
export type SourceSetting =
  | PostgresSourceSetting
  | DumpSourceSetting
  | FilesSourceSetting
  | VolumeSourceSetting;

/** Kinds of sources whose snapshots are of files as they lie there; the others are of databases. */
export function holdsFiles(kind: SourceSetting['kind']): kind is 'files' | 'volume' {
  return kind === 'files' || kind === 'volume';
}

/**
 * Which snapshots of a source stay in a repository; undefined: all. The source decides in its own repository, and a copy
 * may keep longer or shorter.
 */
export function retentionOf(
  configuration: Configuration,
  source: string,
  repository: string,
): RetentionSetting | undefined {
  const own = configuration.sources[source];
  const place = configuration.repositories[repository];
  const ordered =
    own?.repository === repository
      ? [own.retention, place?.retention]
      : [place?.retention, own?.retention];
  return ordered.find((each) => each !== undefined) ?? configuration.retention;
}

/** How much is at stake with a source. */
export function environmentOf({ sources }: Configuration, source: string): Environment {
  return sources[source]?.environment ?? 'production';
}

export interface ProofsSetting {
  /** A cron expression; undefined: `serve` makes none by itself. */
  readonly schedule?: string;
  readonly validForMs: number;
}

const validForDefault = '8d';

/** When a source is proven, and how long that counts. */
export function proofsOf({ sources, proofs }: Configuration, source: string): ProofsSetting {
  const setting = sources[source];
  const own = setting?.kind === 'postgres' ? setting.proofs : undefined;
  const schedule = own?.schedule ?? proofs?.schedule;
  const validFor = own?.validFor ?? proofs?.validFor ?? validForDefault;
  return {
    ...(schedule === undefined ? {} : { schedule }),
    validForMs: parseTimeSpan(validFor) as number,
  };
}

export interface IntegritySetting {
  /** A cron expression; undefined: `serve` does not check by itself. */
  readonly schedule?: string;
  readonly bytesPerSecond?: number;
}

/** When the live server of a source is checked, and how gently. */
export function integrityOf(
  { sources, integrity }: Configuration,
  source: string,
): IntegritySetting {
  const setting = sources[source];
  const own = setting?.kind === 'postgres' ? setting.integrity : undefined;
  const schedule = own?.schedule ?? integrity?.schedule;
  const rate = own?.rate ?? integrity?.rate;
  const bytesPerSecond = rate === undefined ? undefined : parseByteSize(rate);
  return {
    ...(schedule === undefined ? {} : { schedule }),
    ...(bytesPerSecond === undefined ? {} : { bytesPerSecond }),
  };
}
