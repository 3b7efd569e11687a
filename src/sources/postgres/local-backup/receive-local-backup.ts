import { join } from 'node:path';
import { LifeboatError, type Progress } from '../../../core/index.ts';
import { type BlobId, nameFromBytes, type Repository } from '../../../repository/index.ts';
import { addFile } from '../base-backup/added-file.ts';
import type { BackupBounds } from '../base-backup/base-backup-stream.ts';
import { ByteMeter } from '../base-backup/byte-meter.ts';
import { chunkSizeFor } from '../base-backup/chunk-size.ts';
import { DamagedPages } from '../base-backup/damaged-pages.ts';
import { defaultConfiguration } from '../base-backup/default-configuration.ts';
import type { FileContent } from '../base-backup/file-content.ts';
import type { LogComparison } from '../base-backup/log-comparison.ts';
import type { PieceCrew } from '../base-backup/piece-crew.ts';
import type { ReceivedBackup } from '../base-backup/receive-base-backup.ts';
import type { ServerFacts } from '../base-backup/server-facts.ts';
import { SlabFiller } from '../base-backup/slab-filler.ts';
import { type EntryOwner, SnapshotTree } from '../base-backup/snapshot-tree.ts';
import type { StoredBackup } from '../base-backup/stored-backups.ts';
import { StoredWal } from '../base-backup/stored-wal.ts';
import { WalReplacements } from '../base-backup/wal-replacements.ts';
import type { ReplicationConnection } from '../protocol/replication-connection.ts';
import type { SqlConnection } from '../sql-connection.ts';
import { type BackupEnd, BackupMode } from './backup-mode.ts';
import { readControlFile } from './control-file.ts';
import { DataFilesReader, type ReadFile } from './data-files-reader.ts';
import type { DataPlace } from './find-data-folder.ts';
import type { DataEntry } from './list-data-files.ts';
import { ownManifest } from './own-manifest.ts';
import { RateLimit } from './rate-limit.ts';
import { readWalFolder } from './read-wal-folder.ts';
import { findUnchangedChunks } from './unchanged-chunks.ts';

export interface LocalBackupOptions {
  readonly place: DataPlace;
  /** Of the same server. The backup lives as long as this session. */
  readonly sql: SqlConnection;
  readonly connection: ReplicationConnection;
  readonly facts: ServerFacts;
  readonly crew: PieceCrew;
  readonly comparison: LogComparison;
  readonly source: string;
  readonly repository: Repository;
  readonly former: StoredBackup | undefined;
  /** Whether a chunk need not be stored again. */
  readonly isStored: (id: BlobId) => boolean;
  readonly formerChunkSizeBytes?: number;
  readonly bytesPerSecond?: number;
  readonly signal?: AbortSignal;
  readonly progress: Progress;
}

/** Reads the data directory itself while the server is in backup mode: the same as BASE_BACKUP sends, with a manifest of our own. */
export async function receiveLocalBackup(options: LocalBackupOptions): Promise<ReceivedBackup> {
  const { place, sql, connection, facts, crew, progress } = options;
  const meter = new ByteMeter(progress);
  const damaged = new DamagedPages();
  const filler = new SlabFiller(crew);

  const mode = await BackupMode.begin(sql, connection.serverVersion);
  const startTime = new Date();
  // Whatever is not in these listings was made after the start, and comes with the WAL.
  const tablespaces = await place.listTablespaces();
  const entries = await crew.list({
    folder: byteText(place.folder),
    tablespaces: tablespaces.map(({ oid, folder }) => ({
      oid,
      folder: folder && byteText(folder),
    })),
  });
  const owner = ownerOf(entries);
  const tree = new SnapshotTree({ mode: 0o700, ...owner });
  for (const { path, isFolder, ...entry } of entries) {
    if (isFolder) tree.addDirectory(`data/${nameOf(path)}`, entry);
  }
  const files = entries.filter(({ isFolder }) => !isFolder);
  const totalBytes = files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  meter.estimatedBytes = totalBytes;
  const chunkSizeBytes = chunkSizeFor(totalBytes, options.formerChunkSizeBytes);
  const limit = new RateLimit(options.bytesPerSecond, options.signal);
  const unchanged = await findUnchangedChunks({
    ...options,
    start: { lsn: mode.startLsn, timeline: (await connection.identifySystem()).timeline },
    walFolder: join(place.folder, 'pg_wal'),
    totalBytes,
  });
  const { isStored } = options;
  const work = { crew, facts, chunkSizeBytes, damaged, meter, limit, isStored };
  const reader = new DataFilesReader({ ...work, ...(unchanged ? { unchanged } : {}) });
  const read = await reader.read(files);
  for (const { path, entry, content } of read) tree.addFile(`data/${path}`, { ...entry, content });

  // Last of all files, so that what it says of the pages holds for each that was read (on a standby the end of recovery).
  const control = await readControlFile(place.folder, options.signal);
  const end = await mode.end();
  const stopTime = new Date();
  const stop = await stopBounds(connection, end);

  const added = new Map<string, FileContent>();
  const add = (path: string, bytes: Uint8Array) => {
    added.set(path, addFile(tree, filler, `data/${path}`, bytes, owner));
  };
  add('global/pg_control', control.bytes);
  add('backup_label', end.label);
  for (const file of defaultConfiguration(facts.replaySettings)) {
    if (!tree.has(`data/${file.name}`)) add(file.name, Buffer.from(file.text));
  }
  filler.flush();
  await crew.settled();

  const wal = new StoredWal(facts.segmentSizeBytes, facts.systemId);
  const { comparison } = options;
  const replacements = new WalReplacements(damaged, end.start.lsn, facts.segmentSizeBytes);
  await readWalFolder({
    folder: place.folder,
    start: end.start,
    stop,
    segmentSizeBytes: facts.segmentSizeBytes,
    owner,
    crew,
    filler,
    tree,
    watch: { wal, comparison, replacements },
    room: () => {
      const compared = comparison.room();
      return compared ? compared.then(() => crew.room()) : crew.room();
    },
  });
  filler.flush();
  await crew.settled();

  return {
    start: end.start,
    stop,
    startTime,
    stopTime,
    tablespaces: tablespaces.map(({ oid, location }) => ({ oid, location })),
    chunkSizeBytes,
    ...manifestOf(read, added, owner, options, { start: end.start, stop }),
    owner,
    tree,
    wal,
    damaged,
    filler,
    ...unreadOf(reader.unreadBytes, options.former),
  };
}

function unreadOf(
  unreadBytes: number,
  former: StoredBackup | undefined,
): Pick<ReceivedBackup, 'unread'> {
  if (unreadBytes === 0 || !former) return {};
  const { wholeReadTime = former.info.startTime } = former.info;
  return { unread: { unreadBytes, wholeReadTime } };
}

/** The timeline on which the backup ended. */
async function stopBounds(
  connection: ReplicationConnection,
  { start, stopLsn }: BackupEnd,
): Promise<BackupBounds> {
  const { timeline } = await connection.identifySystem();
  if (timeline !== start.timeline) {
    throw new LifeboatError(
      'backup.incomplete',
      `the server went from timeline ${start.timeline} to ${timeline} during the backup`,
      { hint: 'Nothing was published. Run the backup again.', retryable: true },
    );
  }
  return { lsn: stopLsn, timeline };
}

function manifestOf(
  read: readonly ReadFile[],
  added: ReadonlyMap<string, FileContent>,
  owner: EntryOwner,
  { connection, facts }: LocalBackupOptions,
  bounds: { readonly start: BackupBounds; readonly stop: BackupBounds },
): Pick<ReceivedBackup, 'files' | 'manifest'> {
  const files = new Map<string, FileContent>(added);
  const listed = new Map<string, { sizeBytes: number; crc32c: string; mtimeSeconds: number }>();
  for (const { path, entry, content } of read) {
    files.set(path, content);
    const { sizeBytes, crc32c } = content;
    listed.set(path, { sizeBytes, crc32c, mtimeSeconds: entry.mtimeSeconds });
  }
  for (const [path, { sizeBytes, crc32c }] of added) {
    listed.set(path, { sizeBytes, crc32c, mtimeSeconds: owner.mtimeSeconds });
  }
  const { serverVersion } = connection;
  const manifest = ownManifest({
    files: listed,
    serverVersion,
    systemId: facts.systemId,
    ...bounds,
  });
  return { files, manifest };
}

/** The owner of PG_VERSION is the owner of all. */
function ownerOf(entries: readonly DataEntry[]): EntryOwner {
  const version = entries.find(({ path }) => path === 'PG_VERSION');
  if (!version) {
    throw new LifeboatError('backup.incomplete', 'the data directory has no PG_VERSION');
  }
  const { uid, gid, mtimeSeconds } = version;
  return { uid, gid, mtimeSeconds };
}

function byteText(path: string): string {
  return Buffer.from(path, 'utf8').toString('latin1');
}

function nameOf(path: string): string {
  return nameFromBytes(Buffer.from(path, 'latin1'));
}
