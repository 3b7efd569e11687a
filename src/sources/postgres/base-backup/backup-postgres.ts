import {
  formatBytes,
  isLifeboatError,
  LifeboatError,
  type Progress,
  silentProgress,
} from '../../../core/index.ts';
import type {
  BackupWriter,
  BlobId,
  Log,
  NewSnapshot,
  Repository,
} from '../../../repository/index.ts';
import { formatLsn } from '../../../wal/index.ts';
import type { BackupSummary, OtherRepository } from '../../source.ts';
import { tagsOf } from '../../source-tags.ts';
import type { CatalogRecord, PostgresBackupInfo } from '../backup-info.ts';
import { storeBaseline } from '../baseline/stored-baselines.ts';
import { type ConnectionSettings, describeConnection } from '../connection-settings.ts';
import { openLocalSide } from '../local-backup/open-local-side.ts';
import { receiveLocalBackup } from '../local-backup/receive-local-backup.ts';
import type { ReplicationConnection } from '../protocol/replication-connection.ts';
import { givenUpTimelines } from '../stream/given-up.ts';
import { addFile } from './added-file.ts';
import { collectBackupCatalog } from './backup-catalog.ts';
import { backupDocumentPath, catalogDocumentPath } from './backup-document.ts';
import { BackupTargets } from './backup-targets.ts';
import { chooseServer } from './choose-server.ts';
import { chunkSumsPath, encodeChunkSums } from './chunk-sums.ts';
import { damageWarnings, nameDamage } from './damage-report.ts';
import { defaultConfiguration } from './default-configuration.ts';
import { LogComparison } from './log-comparison.ts';
import { parseManifest, untrue } from './manifest.ts';
import { checkManifest } from './manifest-check.ts';
import { PieceCrew } from './piece-crew.ts';
import { type ReceivedBackup, receiveBaseBackup } from './receive-base-backup.ts';
import type { ServerFacts } from './server-facts.ts';
import { listPostgresSnapshots, readStoredFile, type StoredBackup } from './stored-backups.ts';
import { holdWal } from './temporary-slot.ts';

export interface BackupPostgresOptions {
  readonly settings: ConnectionSettings;
  /** The source's name in the configuration. */
  readonly source: string;
  readonly repository: Repository;
  /** Fed by the same reading; one that fails is a warning, and the others go on. */
  readonly alsoTo?: readonly OtherRepository[];
  readonly lockWaitMs?: number;
  /** Aborting leaves nothing published. */
  readonly signal?: AbortSignal;
  readonly progress?: Progress;
  /**
   * `never` (default): over the connection. `auto`: the files themselves, where they can be read here and are proven to be the
   * server's. A folder: the files there, or it is an error.
   */
  readonly local?: string;
  /** How fast the database is read at most. */
  readonly bytesPerSecond?: number;
  /** For counting rows exactly, default 60 s. */
  readonly countBudgetMs?: number;
}

export interface PostgresBackupSummary extends BackupSummary {
  readonly info: PostgresBackupInfo;
}

/**
 * One base backup of a whole cluster as a snapshot that a stock server can start. Published only when every file is
 * what the server's manifest says and all WAL that makes it consistent is in. Damaged pages are stored and told of in
 * `warnings`. Errors: those of the connection, `postgres.wal-level`, `postgres.other-cluster`, `postgres.old-primary`,
 * `postgres.standby-behind`, `backup.incomplete`,
 * `log.conflict` (the server was set back to an older state).
 */
export async function backupPostgres(
  options: BackupPostgresOptions,
): Promise<PostgresBackupSummary> {
  const { settings, source, progress = silentProgress } = options;
  const place = describeConnection(settings);
  progress({ type: 'begin', task: 'base-backup', title: `base backup of ${source} (${place})` });
  let summary = 'failed';
  try {
    const done = await run(options, progress);
    summary = `${formatBytes(done.bytesTotal)}, ${formatBytes(done.bytesStored)} stored`;
    return done;
  } catch (error) {
    throw duringBackup(error, options.signal);
  } finally {
    progress({ type: 'end', task: 'base-backup', summary });
  }
}

/** What a server says at the end of a backup when it is not what it was at its start (object_not_in_prerequisite_state). */
const notInThisState = '55000';

async function run(
  options: BackupPostgresOptions,
  progress: Progress,
): Promise<PostgresBackupSummary> {
  const { source, repository, lockWaitMs, signal } = options;
  const begunMs = performance.now();

  // Everything that can be wrong is asked for before the first byte is read.
  const log = repository.log(source);
  const former = await newestBackup(repository, source, log);
  const { connection: opened, facts } = await chooseServer({
    ...options,
    log,
    former,
    formerHistory: async (name) =>
      former && (await readStoredFile(repository, former.snapshot, `/data/pg_wal/${name}`)),
    progress,
  });
  await using connection = opened;
  // Where the URL names several servers, all of this backup comes from the same one.
  const { settings } = connection;

  // Before the backup starts, so that no WAL since its start can vanish.
  await using held = await holdWal(settings, signal, progress);
  await requireSameServer(held.connection, facts, settings);
  await using local = await openLocalSide({ ...options, settings }, facts, held.slot, progress);

  const { segmentSizeBytes } = facts;
  const aborting = signal ? { signal } : {};
  const waiting = lockWaitMs === undefined ? {} : { lockWaitMs };
  const comparison = await LogComparison.begin({ log, segmentSizeBytes, progress, ...aborting });

  // Names and counts belong to the moment of the start; they are read while the bytes stream.
  await using catalogWork = collectBackupCatalog({ ...options, settings }, facts);
  const { alsoTo = [] } = options;
  await using targets = await BackupTargets.open({
    repository,
    alsoTo,
    progress,
    ...aborting,
    ...waiting,
  });
  await using crew = new PieceCrew({
    writers: targets.writers,
    pageSizeBytes: facts.pageSizeBytes,
    onWriterFailed: (writer, error) => targets.failed(writer, error),
  });
  const formerChunkSizeBytes = former?.info.chunkSizeBytes;
  const receiving = {
    comparison,
    progress,
    ...(formerChunkSizeBytes === undefined ? {} : { formerChunkSizeBytes }),
    ...(options.bytesPerSecond === undefined ? {} : { bytesPerSecond: options.bytesPerSecond }),
  };
  const received = local
    ? await receiveLocalBackup({
        ...local,
        ...receiving,
        connection,
        facts,
        crew,
        source,
        repository,
        former,
        isStored: (id) => targets.hasData(id),
        ...aborting,
      })
    : await receiveBaseBackup(connection, facts, crew, receiving);

  // Nothing is published that is not whole.
  verifyManifest(received, facts);
  received.wal.requireWhole(received.start, received.stop);
  await comparison.requireAgreement(received.stop);
  await addTimelineHistory(connection, received);

  const { catalog, baseline, warnings } = await catalogWork.result();
  addMissingConfiguration(received, facts);
  const mode = local ? 'local' : 'streamed';
  const info = {
    ...describe(received, facts, connection.serverVersion, source, catalog),
    mode,
    ...received.unread,
  } as const;
  addDocuments(received, info, catalog);
  received.filler.flush();
  await crew.settled();
  const tree = await received.tree.save((bytes) => crew.saveTree(bytes));
  await crew.flush();
  const published = await targets.publish(
    newSnapshot(received, tree, source, former),
    async (place) => {
      if (catalog.databases.length === 0) return;
      await place.records.append({ kind: 'catalog', source, body: catalog });
      if (baseline) await storeBaseline(place, source, baseline);
    },
  );
  return {
    source,
    snapshot: published.snapshot,
    ...(alsoTo.length > 0 ? { elsewhere: published.elsewhere } : {}),
    ...totals(published.writer),
    bytesTotal: info.bytesTotal,
    filesTotal: info.filesTotal,
    durationMs: performance.now() - begunMs,
    warnings: [
      ...published.warnings,
      ...warnings,
      ...damageWarnings(info.damagedPages, received.damaged.unnamed, info.startLsn),
    ],
    info,
  };
}

/** Of what the cluster goes on from: one of a timeline that was given up is of another branch. */
async function newestBackup(
  repository: Repository,
  source: string,
  log: Log,
): Promise<StoredBackup | undefined> {
  // A snapshot that cannot be read says nothing about the cluster, and must not keep a new one from being made.
  const stored = await listPostgresSnapshots(repository, source, silentProgress);
  const givenUp = await givenUpTimelines(log).catch((error: unknown) => {
    // The comparison of the WAL warns of a log that cannot be read.
    if (!isLifeboatError(error) || error.code === 'bug') throw error;
    return new Set<number>();
  });
  return stored.find(({ info }) => !givenUp.has(info.timeline));
}

async function requireSameServer(
  slot: ReplicationConnection,
  facts: ServerFacts,
  settings: ConnectionSettings,
): Promise<void> {
  if ((await slot.identifySystem()).systemId === facts.systemId) return;
  throw new LifeboatError(
    'postgres.other-cluster',
    `${describeConnection(settings)} leads to different clusters from one connection to the next`,
    { hint: 'Name one server, not a balancer in front of several.' },
  );
}

function verifyManifest(received: ReceivedBackup, facts: ServerFacts): void {
  const manifest = parseManifest(received.manifest);
  if (manifest.systemId !== undefined && manifest.systemId !== facts.systemId) {
    throw untrue(`it is of the cluster ${manifest.systemId}`);
  }
  checkManifest(manifest, received.files);
}

/** The server sends the history of its timeline with the WAL; where it does not, it is asked. */
async function addTimelineHistory(
  connection: ReplicationConnection,
  { stop, wal, tree, filler, owner }: ReceivedBackup,
): Promise<void> {
  if (stop.timeline === 1 || wal.hasHistory(stop.timeline)) return;
  const [result] = await connection.query(`TIMELINE_HISTORY ${stop.timeline}`);
  const [name, content] = result?.rows[0] ?? [];
  if (!name || !/^[0-9A-F]{8}\.history$/.test(name) || !content) {
    throw new LifeboatError(
      'backup.incomplete',
      `the server has no history of its timeline ${stop.timeline}`,
      { hint: 'Nothing was published. Without that file the backup could not be restored.' },
    );
  }
  addFile(tree, filler, `data/pg_wal/${name}`, Buffer.from(content), owner);
}

function addMissingConfiguration(
  { tree, filler, owner }: ReceivedBackup,
  facts: ServerFacts,
): void {
  for (const { name, text } of defaultConfiguration(facts.replaySettings)) {
    if (tree.has(`data/${name}`)) continue;
    addFile(tree, filler, `data/${name}`, Buffer.from(text), owner);
  }
}

function describe(
  received: ReceivedBackup,
  facts: ServerFacts,
  serverVersion: number,
  source: string,
  catalog: CatalogRecord,
): PostgresBackupInfo {
  return {
    format: 1,
    source,
    systemId: facts.systemId,
    serverVersion,
    timeline: received.stop.timeline,
    startLsn: formatLsn(received.start.lsn),
    stopLsn: formatLsn(received.stop.lsn),
    startTime: received.startTime.toISOString(),
    stopTime: received.stopTime.toISOString(),
    segmentSizeBytes: facts.segmentSizeBytes,
    dataChecksums: facts.dataChecksums,
    chunkSizeBytes: received.chunkSizeBytes,
    tablespaces: received.tablespaces,
    damagedPages: nameDamage(received.damaged.remaining(), catalog),
    bytesTotal: received.tree.bytesTotal,
    filesTotal: received.tree.filesTotal,
  };
}

function addDocuments(
  { tree, filler, files, chunkSizeBytes, owner: { uid, gid }, manifest }: ReceivedBackup,
  info: PostgresBackupInfo,
  catalog: CatalogRecord,
): void {
  const owner = { uid, gid, mtimeSeconds: Math.floor(Date.parse(info.stopTime) / 1000) };
  tree.addDirectory('data', { mode: 0o700, ...owner });
  // Where pg_wal is a link, what is told of it is the link's, which may be root's; the server must write there.
  for (const name of ['pg_wal', 'pg_wal/archive_status', 'pg_wal/summaries']) {
    if (tree.has(`data/${name}`)) tree.addDirectory(`data/${name}`, { mode: 0o700, ...owner });
  }
  tree.addDirectory('lifeboat', { mode: 0o700, ...owner });
  addFile(tree, filler, 'data/backup_manifest', manifest, owner);
  addFile(tree, filler, backupDocumentPath.slice(1), documentBytes(info), owner);
  addFile(tree, filler, catalogDocumentPath.slice(1), documentBytes(catalog), owner);
  addFile(tree, filler, chunkSumsPath.slice(1), encodeChunkSums(files, chunkSizeBytes), owner);
}

function documentBytes(document: unknown): Buffer {
  return Buffer.from(`${JSON.stringify(document, undefined, 1)}\n`);
}

function newSnapshot(
  received: ReceivedBackup,
  tree: BlobId,
  source: string,
  former: StoredBackup | undefined,
): NewSnapshot {
  return {
    time: received.stopTime,
    tree,
    paths: [`/lifeboat/${source}`],
    tags: tagsOf('postgres', source),
    ...(former ? { parent: former.snapshot.id } : {}),
    filesTotal: received.tree.filesTotal,
    bytesTotal: received.tree.bytesTotal,
  };
}

function totals(writer: BackupWriter): Pick<BackupSummary, 'bytesNew' | 'bytesStored'> {
  const { bytesNew, bytesStored } = writer.totals();
  return { bytesNew, bytesStored };
}

function duringBackup(error: unknown, signal: AbortSignal | undefined): unknown {
  if (signal?.aborted && isLifeboatError(error, 'cancelled')) {
    const { message, context } = error;
    const hint =
      'Nothing was published: a base backup is whole or not there. Run it again: what was stored is not stored twice.';
    return new LifeboatError('cancelled', message, { hint, context, cause: error });
  }
  if (isLifeboatError(error, 'postgres.query') && error.context.sqlstate === notInThisState) {
    return new LifeboatError('backup.incomplete', `${error.message}; nothing was published`, {
      hint: 'If the server was a standby and has been promoted, run the backup again: what was stored of this one is not stored twice.',
      context: error.context,
      cause: error,
      retryable: true,
    });
  }
  if (signal?.aborted || !isLifeboatError(error, 'postgres.connection-lost')) return error;
  return new LifeboatError(
    'postgres.connection-lost',
    `${error.message} during the base backup; nothing was published`,
    {
      hint: 'See whether the server still runs, and run the backup again: what was stored of this one is not stored twice.',
      context: error.context,
      cause: error,
      retryable: true,
    },
  );
}
