import { join } from 'node:path';
import { LifeboatError, silentProgress } from '../../core/index.ts';
import { isCheckpoint, type Snapshot } from '../../repository/index.ts';
import { backupFiles } from '../files/backup/index.ts';
import type { BackupSummary, Finding, Source, SourceContext } from '../source.ts';
import { snapshotsOfKind, tagsOf } from '../source-tags.ts';
import { copyVolume, mayCopy, type VolumeFiles } from './copy-volume.ts';
import { examineVolume } from './examine-volume.ts';
import { folderWithin, outOfReach, readableFolder } from './readable-folder.ts';
import { VolumeEngine } from './volume-engine.ts';
import { patternsWithin } from './volume-patterns.ts';

export interface VolumeSourceSettings {
  readonly kind: 'volume';
  readonly name: string;
  readonly volume: string;
  /** Relative to the root of the volume. Default: all of it. */
  readonly subfolder?: string | undefined;
  /** Of Docker. Default: the one that is selected. */
  readonly context?: string | undefined;
  /** Of a container that reads or writes it where this process cannot. */
  readonly image?: string | undefined;
  readonly exclude?: readonly string[] | undefined;
  readonly excludeIfPresent?: readonly string[] | undefined;
  readonly excludeCaches?: boolean | undefined;
  readonly largerThanBytes?: number | undefined;
  readonly chunker?: 'gear' | 'rabin' | undefined;
  /** Where a copy lies while it is read, when it cannot be read in place. */
  readonly stateFolder: string;
  /** Of `docker`, which finds its engine by it. */
  readonly environment: NodeJS.ProcessEnv;
}

/** Files of a Docker volume as a source, read where the engine keeps them, or through a container. */
export class VolumeSource implements Source {
  readonly kind = 'volume';
  readonly name: string;
  readonly settings: VolumeSourceSettings;
  readonly #engine: VolumeEngine;

  constructor(settings: VolumeSourceSettings) {
    this.settings = Object.freeze({ ...settings });
    this.name = settings.name;
    this.#engine = new VolumeEngine(settings.context, settings.environment);
  }

  describe(): string {
    const { volume, subfolder, context } = this.settings;
    const within = subfolder === undefined ? '' : `${subfolder} in `;
    return `${within}docker volume ${volume}${context === undefined ? '' : ` (context ${context})`}`;
  }

  /**
   * The folder that is backed up, as this process sees it. Errors: `volume.missing` (there is no such volume, or folder in it),
   * `volume.unreadable` (it is elsewhere, or may not be read), `volume.unavailable`, `cancelled`.
   */
  async locate(signal?: AbortSignal): Promise<string> {
    const { volume, subfolder } = this.settings;
    const folder = await folderWithin(await this.locateRoot(signal), subfolder);
    if (folder !== undefined) return folder;
    throw this.#gone(`docker volume ${volume} has no folder ${subfolder}`);
  }

  /** The same of all of the volume. */
  async locateRoot(signal?: AbortSignal): Promise<string> {
    const facts = await this.#engine.inspect(this.settings.volume, signal);
    if (facts === undefined) throw this.#gone(`there is no docker volume ${this.settings.volume}`);
    const place = await readableFolder(facts, this.#engine, signal);
    if ('folder' in place) return place.folder;
    throw this.#unreadable(place.why);
  }

  /** Why this process cannot work on its files itself, were it there or not; undefined: it can. Errors: `volume.unavailable`, `cancelled`. */
  async outOfReach(signal?: AbortSignal): Promise<string | undefined> {
    const facts = await this.#engine.inspect(this.settings.volume, signal);
    if (facts === undefined) {
      const why = outOfReach(await this.#engine.describe(signal));
      return why ?? (process.geteuid?.() === 0 ? undefined : "volumes are root's");
    }
    const place = await readableFolder(facts, this.#engine, signal);
    return 'why' in place ? place.why : undefined;
  }

  /** Errors: `volume.unreadable`, `volume.unavailable`, `cancelled`. */
  async requireReach(signal?: AbortSignal): Promise<void> {
    const why = await this.outOfReach(signal);
    if (why !== undefined) throw this.#unreadable(why);
  }

  /** Whether the engine has such a volume, readable from here or not. Errors: `volume.unavailable`, `cancelled`. */
  async isThere(signal?: AbortSignal): Promise<boolean> {
    return (await this.#engine.inspect(this.settings.volume, signal)) !== undefined;
  }

  /**
   * Its files to be read: in place, else a copy of them on this host, which disposal removes. Errors: as of `locate`; `disk.full` (there
   * is no room for a copy).
   */
  async read({
    signal,
    progress,
  }: Pick<SourceContext, 'signal' | 'progress'>): Promise<VolumeFiles> {
    try {
      const folder = await this.locate(signal);
      return { folder, isCopy: false, warnings: [], async [Symbol.asyncDispose]() {} };
    } catch (error) {
      if (!mayCopy(error)) throw error;
    }
    const { volume, subfolder, image, stateFolder } = this.settings;
    const folder = join(stateFolder, 'volumes', this.name);
    const [engine, text] = [this.#engine, this.describe()];
    return await copyVolume({ engine, volume, subfolder, image, folder, text, signal, progress });
  }

  async backup(context: SourceContext): Promise<BackupSummary> {
    const { repository, lockWaitMs, signal, progress, isWatched } = context;
    const { exclude, excludeIfPresent, excludeCaches, subfolder } = this.settings;
    await using files = await this.read(context);
    const { folder } = files;
    const summary = await backupFiles({
      repository,
      source: this.name,
      lockWaitMs,
      isWatched,
      paths: [folder],
      tags: tagsOf('volume', this.name),
      excludes: patternsWithin(folder, { exclude, isWhole: subfolder === undefined }),
      excludeIfPresent: (excludeIfPresent ?? []).map((name) => ({ name })),
      excludeCaches: excludeCaches ?? false,
      excludeLargerThanBytes: this.settings.largerThanBytes,
      chunker: this.settings.chunker,
      isCopy: files.isCopy,
      ...(signal && { signal }),
      ...(progress && { progress }),
    });
    return { ...summary, warnings: [...files.warnings, ...summary.warnings] };
  }

  async hasBackup(context: SourceContext): Promise<boolean> {
    return (await this.snapshots({ ...context, progress: silentProgress })).length > 0;
  }

  /** Newest first; what an interrupted backup had stored is none. */
  async snapshots({ repository, progress }: SourceContext): Promise<readonly Snapshot[]> {
    const all = await snapshotsOfKind(repository, 'volume', this.name, progress);
    return all.filter((each) => !isCheckpoint(each));
  }

  async doctor({ signal }: Partial<SourceContext> = {}): Promise<readonly Finding[]> {
    return await examineVolume(this, signal);
  }

  #gone(fact: string): LifeboatError {
    return new LifeboatError('volume.missing', fact, {
      hint: `Nothing was stored, and nothing was taken for deleted. Put it back with \`lifeboat restore ${this.name} --in-place\`, or correct its name: \`docker volume ls\`.`,
    });
  }

  #unreadable(why: string): LifeboatError {
    return new LifeboatError(
      'volume.unreadable',
      `the files of ${this.describe()} cannot be read from here: ${why}`,
      {
        hint: 'Run Lifeboat as root on the host of the engine. Where that cannot be, it reads the volume as root through a container, and `lifeboat recover` brings files back into it.',
        context: { volume: this.settings.volume },
      },
    );
  }
}
