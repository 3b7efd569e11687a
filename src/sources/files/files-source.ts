import { silentProgress } from '../../core/index.ts';
import { isCheckpoint, type Snapshot } from '../../repository/index.ts';
import type { BackupSummary, Finding, Source, SourceContext } from '../source.ts';
import { snapshotsOfKind, tagsOf } from '../source-tags.ts';
import { backupFiles } from './backup/index.ts';
import { examineFiles } from './doctor/examine-files.ts';

export interface FilesSourceSettings {
  readonly kind: 'files';
  readonly name: string;
  /** Absolute. */
  readonly paths: readonly string[];
  readonly exclude?: readonly string[] | undefined;
  readonly excludeFiles?: readonly string[] | undefined;
  readonly excludeIfPresent?: readonly string[] | undefined;
  readonly excludeCaches?: boolean | undefined;
  readonly oneFileSystem?: boolean | undefined;
  readonly largerThanBytes?: number | undefined;
  readonly chunker?: 'gear' | 'rabin' | undefined;
}

/** Folders and files of this machine as a source. */
export class FilesSource implements Source {
  readonly kind = 'files';
  readonly name: string;
  readonly settings: FilesSourceSettings;

  constructor(settings: FilesSourceSettings) {
    this.settings = Object.freeze({ ...settings });
    this.name = settings.name;
  }

  describe(): string {
    return this.settings.paths.join(', ');
  }

  async backup(context: SourceContext): Promise<BackupSummary> {
    const { repository, lockWaitMs, signal, progress, isWatched } = context;
    const { paths, exclude, excludeFiles, excludeIfPresent, excludeCaches } = this.settings;
    return await backupFiles({
      repository,
      source: this.name,
      lockWaitMs,
      isWatched,
      paths,
      tags: tagsOf('files', this.name),
      excludes: exclude ?? [],
      excludeFiles: excludeFiles ?? [],
      excludeIfPresent: (excludeIfPresent ?? []).map((name) => ({ name })),
      excludeCaches: excludeCaches ?? false,
      oneFileSystem: this.settings.oneFileSystem ?? false,
      excludeLargerThanBytes: this.settings.largerThanBytes,
      chunker: this.settings.chunker,
      ...(signal && { signal }),
      ...(progress && { progress }),
    });
  }

  async hasBackup(context: SourceContext): Promise<boolean> {
    return (await this.snapshots({ ...context, progress: silentProgress })).length > 0;
  }

  /** Newest first; what an interrupted backup had stored is none. */
  async snapshots({ repository, progress }: SourceContext): Promise<readonly Snapshot[]> {
    const all = await snapshotsOfKind(repository, 'files', this.name, progress);
    return all.filter((each) => !isCheckpoint(each));
  }

  doctor(): Promise<readonly Finding[]> {
    return examineFiles(this.settings);
  }
}
