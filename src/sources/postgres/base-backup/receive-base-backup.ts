import { LifeboatError, type Progress } from '../../../core/index.ts';
import { formatLsn } from '../../../wal/index.ts';
import type { PostgresBackupInfo } from '../backup-info.ts';
import type { ReplicationConnection } from '../protocol/replication-connection.ts';
import { ArchiveIntake } from './archive-intake.ts';
import { baseBackupCommand } from './base-backup-command.ts';
import {
  type BackupBounds,
  type BaseBackupReceiver,
  BaseBackupStream,
  type Tablespace,
} from './base-backup-stream.ts';
import { ByteMeter } from './byte-meter.ts';
import { chunkSizeFor } from './chunk-size.ts';
import { DamagedPages } from './damaged-pages.ts';
import type { FileContent } from './file-content.ts';
import type { LogComparison } from './log-comparison.ts';
import type { PieceCrew } from './piece-crew.ts';
import type { ServerFacts } from './server-facts.ts';
import { SlabFiller } from './slab-filler.ts';
import { type EntryOwner, SnapshotTree } from './snapshot-tree.ts';
import { StoredWal } from './stored-wal.ts';
import { WalReplacements } from './wal-replacements.ts';

/** Everything the server sent, on its way into the repository; nothing of it published, nor verified as a whole. */
export interface ReceivedBackup {
  readonly start: BackupBounds;
  readonly stop: BackupBounds;
  readonly startTime: Date;
  readonly stopTime: Date;
  readonly tablespaces: readonly Tablespace[];
  readonly chunkSizeBytes: number;
  readonly manifest: Buffer;
  readonly owner: EntryOwner;
  /** All files but WAL segments, by path. */
  readonly files: ReadonlyMap<string, FileContent>;
  readonly tree: SnapshotTree;
  readonly wal: StoredWal;
  readonly damaged: DamagedPages;
  readonly filler: SlabFiller;
  /** Of a local backup that left unread what WAL proves unchanged. */
  readonly unread?: Pick<PostgresBackupInfo, 'unreadBytes' | 'wholeReadTime'>;
}

/** About three million files. What is longer could not be parsed. */
const maximumManifestBytes = 400 * 1024 * 1024;

/** Runs BASE_BACKUP and takes in what comes. Holds the server back while the repository is slower. */
export async function receiveBaseBackup(
  connection: ReplicationConnection,
  facts: ServerFacts,
  crew: PieceCrew,
  options: {
    readonly comparison: LogComparison;
    readonly formerChunkSizeBytes?: number;
    readonly bytesPerSecond?: number;
    readonly progress: Progress;
  },
): Promise<ReceivedBackup> {
  const { systemId, segmentSizeBytes, pageSizeBytes, segmentPages, dataChecksums } = facts;
  const filler = new SlabFiller(crew);
  const damaged = new DamagedPages();
  const wal = new StoredWal(segmentSizeBytes, systemId);
  const now = Math.floor(Date.now() / 1000);
  const tree = new SnapshotTree({ mode: 0o700, uid: 0, gid: 0, mtimeSeconds: now });
  const manifestParts: Buffer[] = [];
  let manifestBytes = 0;
  let begun: Pick<ReceivedBackup, 'start' | 'startTime' | 'tablespaces' | 'chunkSizeBytes'>;
  let ended: Pick<ReceivedBackup, 'stop' | 'stopTime'> | undefined;
  let intake: ArchiveIntake | undefined;
  let pagesAreKnown = false;
  const meter = new ByteMeter(options.progress);

  const receiver: BaseBackupReceiver = {
    onStart(start, tablespaces, estimatedBytes) {
      meter.estimatedBytes = estimatedBytes;
      const chunkSizeBytes = chunkSizeFor(estimatedBytes ?? 0, options.formerChunkSizeBytes);
      begun = { start, startTime: new Date(), tablespaces, chunkSizeBytes };
      intake = new ArchiveIntake({
        filler,
        tree,
        wal,
        comparison: options.comparison,
        replacements: new WalReplacements(damaged, start.lsn, segmentSizeBytes),
        damaged,
        verifiesPages: dataChecksums,
        chunkSizeBytes,
        pageSizeBytes,
        segmentPages,
      });
    },
    onArchiveBegin: (tablespace) => intake?.beginArchive(tablespace),
    onArchiveData(bytes) {
      intake?.push(bytes);
      meter.add(bytes.length);
      if (intake?.walBegan && !pagesAreKnown) {
        // Whether any page is damaged decides whether WAL is read.
        pagesAreKnown = true;
        return crew.settled();
      }
      const compared = options.comparison.room();
      return compared ? compared.then(() => crew.room()) : crew.room();
    },
    onArchiveEnd: () => intake?.endArchive(),
    onManifestData(bytes) {
      manifestBytes += bytes.length;
      if (manifestBytes > maximumManifestBytes) {
        throw new LifeboatError('postgres.protocol', 'the server sent a manifest without end');
      }
      manifestParts.push(Buffer.from(bytes));
    },
    onStop(stop) {
      ended = { stop, stopTime: new Date() };
    },
  };
  await connection.copyOut(
    baseBackupCommand(connection.serverVersion, options.bytesPerSecond),
    new BaseBackupStream(connection.serverVersion, receiver),
  );
  if (!intake || !ended) {
    throw new LifeboatError('postgres.protocol', 'the server ended the backup before its end');
  }
  if (ended.stop.lsn < begun!.start.lsn) {
    const { start } = begun!;
    throw new LifeboatError(
      'postgres.protocol',
      `the backup ends at ${formatLsn(ended.stop.lsn)}, before its start at ${formatLsn(start.lsn)}`,
    );
  }
  filler.flush();
  await crew.settled();
  const manifest = Buffer.concat(manifestParts);
  const { owner, streamed: files } = intake;
  return { ...begun!, ...ended, manifest, owner, files, tree, wal, damaged, filler };
}
