import { join } from 'node:path';
import { isLifeboatError, LifeboatError, silentProgress } from '../../core/index.ts';
import type { Repository } from '../../repository/index.ts';
import type {
  BackupSummary,
  CatalogSummary,
  Finding,
  LogGap,
  Source,
  SourceArchive,
  SourceContext,
  SourceLog,
  StreamState,
} from '../source.ts';
import { type ArchiveSettings, postgresArchive } from './archive/postgres-archive.ts';
import type { RecoveryTarget } from './backup-info.ts';
import { backupPostgres } from './base-backup/backup-postgres.ts';
import { requireSameCluster } from './base-backup/same-cluster.ts';
import { listPostgresSnapshots, type StoredBackup } from './base-backup/stored-backups.ts';
import { collectBaseline } from './baseline/collect-baseline.ts';
import { type Drift, type DriftLimits, defaultDriftLimits } from './baseline/drift.ts';
import { noteDrift } from './baseline/outstanding-drift.ts';
import { recordOnTimer } from './baseline/record-on-timer.ts';
import { type ConnectionSettings, describeConnection } from './connection-settings.ts';
import { examinePostgres } from './doctor/examine-postgres.ts';
import { readSlotFacts } from './doctor/server-facts.ts';
import { listRecoveryPoints, type RecoveryPoints } from './points/recovery-windows.ts';
import { listReaches } from './restore/reaches.ts';
import { findServerPrograms } from './server/index.ts';
import { connectSql } from './sql-connection.ts';
import { OwedMarks } from './stream/owed-marks.ts';
import { renewSlot } from './stream/renew-slot.ts';
import { refuserOf } from './stream/server-choice.ts';
import { slotName } from './stream/slot.ts';
import { readSpool } from './stream/spool-reader.ts';
import { streamWal } from './stream/stream-wal.ts';
import type { SynchronousLevel } from './stream/synchronous.ts';

export interface PostgresSourceSettings {
  readonly kind: 'postgres';
  readonly name: string;
  readonly connection: ConnectionSettings;
  /** What `rescue` writes with; default: `connection`. */
  readonly rescueConnection?: ConnectionSettings;
  /** Default: `lifeboat_` and the name. */
  readonly slot?: string;
  /** What commits of the server are meant to wait for. */
  readonly synchronous?: SynchronousLevel;
  /** Rather than be lost, the slot follows the spool. */
  readonly slotMayRunAhead?: boolean;
  /** Folder that outlives a restart; the spool of this source lies below it. */
  readonly stateFolder: string;
  /** Default: the temporary folder. */
  readonly scratchFolder?: string;
  /** `auto` (default), `never`, or the folder of the data directory. */
  readonly local?: string;
  /** How fast a base backup reads at most. */
  readonly backupBytesPerSecond?: number;
  /** Default: looked for. */
  readonly programsFolder?: string;
  readonly spoolLimitBytes?: number;
  /** Which falls of tables are told; default: see `defaultDriftLimits`. */
  readonly drift?: Partial<DriftLimits>;
  /** Where `archive_command` and `restore_command` of the server come to us. */
  readonly archive?: ArchiveSettings;
}

const catalogBudgetMs = 20_000;

/** The repository that the log goes to, whatever its name in the configuration is by then. */
export const primaryPlace = '';

/** A PostgreSQL cluster as a source: what its parts do, under one name. */
export class PostgresSource implements Source, SourceLog {
  readonly kind = 'postgres';
  readonly name: string;
  readonly settings: PostgresSourceSettings;
  readonly slot: string;
  readonly spoolFolder: string;
  /** What its repositories are owed of timelines that were given up: the source's own under `primaryPlace`. */
  readonly owedMarks: OwedMarks;

  constructor(settings: PostgresSourceSettings) {
    this.settings = Object.freeze({ ...settings });
    this.name = settings.name;
    this.slot = settings.slot ?? slotName(settings.name);
    this.spoolFolder = join(settings.stateFolder, 'spool', settings.name);
    this.owedMarks = new OwedMarks(settings.stateFolder, settings.name);
  }

  get log(): SourceLog {
    return this;
  }

  describe(): string {
    return describeConnection(this.settings.connection);
  }

  /** Of the role that may write. */
  get rescueConnection(): ConnectionSettings {
    return this.settings.rescueConnection ?? this.settings.connection;
  }

  async backup(context: SourceContext): Promise<BackupSummary> {
    await this.#tellGivenUp(context);
    const { local = 'auto', backupBytesPerSecond: bytesPerSecond } = this.settings;
    const { info: _, ...summary } = await backupPostgres({
      ...context,
      local,
      ...(bytesPerSecond === undefined ? {} : { bytesPerSecond }),
      settings: this.settings.connection,
      source: this.name,
    });
    const drift = await this.#noteDrift(context);
    return drift.length > 0 ? { ...summary, drift } : summary;
  }

  /** What cannot be told now stays owed; whatever comes of this, the server is asked. */
  async #tellGivenUp({ repository, alsoTo = [], progress }: SourceContext): Promise<void> {
    const others = alsoTo.map(({ name, open }) => [name, open] as const);
    const places = new Map([[primaryPlace, async () => repository] as const, ...others]);
    await this.owedMarks.deliver(places, { isLate: true }).catch((error: unknown) => {
      if (!isLifeboatError(error) || ['bug', 'cancelled'].includes(error.code)) throw error;
      const { message, hint } = error;
      progress?.({ type: 'warning', message, ...(hint === undefined ? {} : { hint }) });
    });
  }

  /** Which falls of its tables are told. */
  get driftLimits(): DriftLimits {
    return { ...defaultDriftLimits, ...this.settings.drift };
  }

  /** What was stored stays, whatever comes of this. */
  async #noteDrift({ repository, progress = silentProgress }: SourceContext) {
    const limits = this.driftLimits;
    try {
      return await noteDrift({ repository, source: this.name, limits, progress });
    } catch (error) {
      if (!isLifeboatError(error)) throw error;
      progress({ type: 'warning', message: `the baseline was not judged: ${error.message}` });
      return [] as readonly Drift[];
    }
  }

  async streamWarning(signal: AbortSignal | undefined): Promise<string | undefined> {
    if (this.settings.archive?.isAlone) return undefined;
    await using connection = await connectSql(this.settings.connection, signal ? { signal } : {});
    const slot = await readSlotFacts(connection, this.slot);
    if (!slot) return 'nobody streams the log: nothing that is written after this backup is kept';
    if (slot.walStatus === 'lost')
      return 'the slot is lost: nobody keeps the log after this backup';
    if (slot.active) return undefined;
    return 'nobody streams the log just now: the server keeps it, and its disk fills up';
  }

  async stream(
    context: SourceContext & { readonly onState: (state: StreamState) => void },
  ): Promise<void> {
    const { progress, onState } = context;
    const { spoolLimitBytes, synchronous, slotMayRunAhead } = this.settings;
    await streamWal({
      ...this.#streamPlace(context),
      source: this.name,
      signal: context.signal ?? new AbortController().signal,
      onState,
      tellGivenUp: () => this.#tellGivenUp(context),
      ...(synchronous ? { synchronous } : {}),
      ...(slotMayRunAhead ? { slotMayRunAhead } : {}),
      ...(progress ? { progress } : {}),
      ...(spoolLimitBytes === undefined ? {} : { limits: { spoolBytesMax: spoolLimitBytes } }),
    });
  }

  get archive(): SourceArchive | undefined {
    const { archive } = this.settings;
    return archive && postgresArchive(this.name, archive);
  }

  async renewStream(
    context: SourceContext & { readonly lost: LifeboatError },
  ): Promise<LogGap | undefined> {
    const { signal, lost } = context;
    const place = this.#streamPlace(context);
    const settings = refuserOf(place.settings, lost);
    return await renewSlot({ ...place, settings, ...(signal ? { signal } : {}) });
  }

  async hasBackup({ repository }: SourceContext): Promise<boolean> {
    // One that cannot be read is none: a backup that is wanted anyway does no harm.
    return (await listPostgresSnapshots(repository, this.name, silentProgress)).length > 0;
  }

  async hasGapAfterBackup({ repository, signal }: SourceContext): Promise<boolean> {
    const spool = await readSpool(this.spoolFolder);
    const [newest] = await listReaches({
      repository,
      source: this.name,
      progress: silentProgress,
      ...(spool ? { spool } : {}),
      ...(signal ? { signal } : {}),
    });
    return newest?.holdings.holdsBeyond(newest.path, newest.end) ?? false;
  }

  async recordCatalog(context: SourceContext): Promise<CatalogSummary> {
    const { repository, signal, progress } = context;
    const collected = await collectBaseline(this.settings.connection, 'timer', {
      countBudgetMs: catalogBudgetMs,
      onUnreadable: (database, { message, hint }) =>
        progress?.({
          type: 'warning',
          message: `the names of database ${database} are not recorded: ${message}`,
          ...(hint ? { hint } : {}),
        }),
      ...(signal ? { signal } : {}),
    });
    const databases = collected.catalog.databases.length;
    if (databases === 0) {
      throw new LifeboatError('postgres.refused', `no database of ${this.name} could be read`);
    }
    // The address may have come to lead elsewhere: names and counts of another cluster under this name would mislead whoever reads them.
    requireSameCluster(this.name, await this.#newest(repository), collected.catalog);
    const drift = await recordOnTimer({
      ...collected,
      repository,
      source: this.name,
      limits: this.driftLimits,
      progress: progress ?? silentProgress,
    });
    return { databases, drift };
  }

  /** What can be restored, from the repository and from what this host's spool holds. */
  async points(context: SourceContext): Promise<RecoveryPoints> {
    const spool = await readSpool(this.spoolFolder);
    return await listRecoveryPoints({ ...context, source: this.name, ...(spool ? { spool } : {}) });
  }

  /** What planning and running a recovery of this source to `target` takes: what the repository and this host hold. */
  async recovery(request: {
    readonly repository: Repository;
    readonly target: RecoveryTarget;
    readonly signal?: AbortSignal;
  }) {
    const { connection, scratchFolder, programsFolder } = this.settings;
    const spool = await readSpool(this.spoolFolder);
    const programs = programsFolder && (await this.#configuredPrograms(request, programsFolder));
    return {
      ...request,
      source: this.name,
      users: [this.rescueConnection.user, connection.user],
      ...(spool ? { spool } : {}),
      ...(programs ? { programs } : {}),
      ...(scratchFolder ? { folder: scratchFolder } : {}),
    };
  }

  async #configuredPrograms({ repository }: SourceContext, configuredFolder: string) {
    const newest = await this.#newest(repository);
    if (!newest) return undefined;
    const major = Math.floor(newest.info.serverVersion / 10_000);
    return await findServerPrograms(major, { configuredFolder });
  }

  async doctor({ repository, signal }: Partial<SourceContext> = {}): Promise<readonly Finding[]> {
    const former = repository && (await this.#newest(repository));
    const { connection, rescueConnection, scratchFolder, programsFolder } = this.settings;
    return examinePostgres({
      connection,
      ...(rescueConnection ? { rescueConnection } : {}),
      slot: this.slot,
      ...(this.settings.synchronous ? { synchronous: this.settings.synchronous } : {}),
      spoolFolder: this.spoolFolder,
      ...(scratchFolder ? { scratchFolder } : {}),
      ...(programsFolder ? { programsFolder } : {}),
      requireStored: (found) => requireSameCluster(this.name, former, found),
      ...(signal ? { signal } : {}),
    });
  }

  async #newest(repository: Repository): Promise<StoredBackup | undefined> {
    return (await listPostgresSnapshots(repository, this.name, silentProgress))[0];
  }

  #streamPlace({ repository }: SourceContext) {
    return {
      settings: this.settings.connection,
      slot: this.slot,
      spoolFolder: this.spoolFolder,
      log: repository.log(this.name),
    };
  }
}
