import type { PasswordSetting } from './schema/parts.ts';
import type { RetentionSetting } from './schema/retention.ts';
import type { FilesSourceFile, PostgresSourceFile } from './schema/source.ts';

/** A checked `lifeboat.yaml` with absolute paths and defaults filled in. */
export interface Configuration {
  /** Path of the file it was read from. */
  readonly file: string;
  readonly name: string;
  readonly repositories: Readonly<Record<string, RepositorySetting>>;
  readonly sources: Readonly<Record<string, SourceSetting>>;
  readonly retention?: RetentionSetting;
  readonly stateFolder: string;
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

export type FilesSourceSetting = Omit<FilesSourceFile, 'largerThan'> & {
  readonly largerThanBytes?: number;
};
export type PostgresSourceSetting = Omit<PostgresSourceFile, 'drift'> & {
  /** `dropAtMost` as a part of 1. */
  readonly drift?: { readonly dropAtMost?: number; readonly ignore?: readonly string[] };
};
export type SourceSetting = PostgresSourceSetting | FilesSourceSetting;

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
