// sources: what is protected. One contract (source.ts), one folder per kind, one registry.

export { type BackupFigures, judgeBackup } from './anomaly/judge-backup.ts';
export { formerFigures } from './files/backup/former-figures.ts';
export {
  type BackupFilesOptions,
  backupFiles,
  type FilesBackupSummary,
} from './files/backup/index.ts';
export {
  type ComparedFile,
  type ComparedTotals,
  type CompareOptions,
  compareWithSnapshot,
} from './files/compare/compare-with-snapshot.ts';
export { looksRandom } from './files/compare/random-bytes.ts';
export { dumpFile, dumpTar } from './files/dump/dump-files.ts';
export { FilesSource, type FilesSourceSettings } from './files/files-source.ts';
export {
  type AttributeProblem,
  type OverwritePolicy,
  overwritePolicies,
  parseOwnerMapping,
  type RestoreCounts,
  type RestoreFilesOptions,
  type RestoreFilesResult,
  type RestoreProblem,
  restoreFiles,
} from './files/restore/index.ts';
export {
  getXattr,
  listXattrs,
  makeNode,
  nextData,
  nextHole,
  removeXattr,
  setTimesNs,
  setXattr,
  syncFileSystem,
} from './files/system/index.ts';
export { archiveCommand, restoreCommand } from './postgres/archive/client-script.ts';
export { type ArchiveSettings, prepareArchive } from './postgres/archive/postgres-archive.ts';
export type {
  CatalogDatabase,
  CatalogRecord,
  CatalogRelation,
  DamagedPageInfo,
  PostgresBackupInfo,
  RecoveryTarget,
} from './postgres/backup-info.ts';
export { parseCatalogDocument } from './postgres/base-backup/backup-document.ts';
export {
  type BackupPostgresOptions,
  backupPostgres,
  type PostgresBackupSummary,
} from './postgres/base-backup/backup-postgres.ts';
export { PageVerifier } from './postgres/base-backup/page-checksum.ts';
export {
  listPostgresSnapshots,
  readBackupCatalog,
  readBackupInfo,
  type StoredBackup,
} from './postgres/base-backup/stored-backups.ts';
export {
  announce,
  isAnnounced,
  listAnnouncements,
  quietUntil,
} from './postgres/baseline/announcements.ts';
export type {
  BaselineDatabase,
  BaselineRecord,
  BaselineTable,
} from './postgres/baseline/baseline-record.ts';
export { collectBaseline } from './postgres/baseline/collect-baseline.ts';
export { describeDrift } from './postgres/baseline/describe-drift.ts';
export { type Drift, matchesTable, tableNameOf } from './postgres/baseline/drift.ts';
export {
  driftSince,
  outstandingDrift,
  standingDrift,
} from './postgres/baseline/outstanding-drift.ts';
export { listBaselines, type StoredBaseline } from './postgres/baseline/stored-baselines.ts';
export { type CollectCatalogOptions, collectCatalog } from './postgres/catalog/collect-catalog.ts';
export {
  catalogAt,
  type RelationKey,
  type ResolvedRelation,
  resolveRelation,
} from './postgres/catalog/resolve-relation.ts';
export { openSqlClient, type SqlClient } from './postgres/connect/sql-client.ts';
export {
  type ConnectionSettings,
  describeConnection,
  preferPrimary,
} from './postgres/connection-settings.ts';
export { parseConnectionUrl, withUser } from './postgres/connection-url.ts';
export { findLocalServers, type LocalServer } from './postgres/doctor/find-local-servers.ts';
export { freeBytes, judgeRoom } from './postgres/doctor/judge-room.ts';
export {
  type ClientPrograms,
  type DumpDocument,
  type DumpOrigin,
  DumpSource,
  type DumpSourceSettings,
  findClientPrograms,
  pipeDump,
  quoteConnectionValue,
  readDumpDocument,
  runClientProgram,
  startClientProgram,
} from './postgres/dump/index.ts';
export { clusterOf, controlDataBytes } from './postgres/local-backup/control-file.ts';
export {
  findIntactPage,
  type PageHistory,
} from './postgres/page-check/find-intact-page.ts';
export { listPageFiles, type PageFile } from './postgres/page-check/list-page-files.ts';
export type { CheckedPages } from './postgres/page-check/page-check-message.ts';
export { PageCheckThread } from './postgres/page-check/page-check-thread.ts';
export { onlyByName } from './postgres/points/only-by-name.ts';
export {
  gapsBetween,
  judgePromise,
  listRecoveryPoints,
  type PointSnapshot,
  type RecoveryGap,
  type RecoveryPoints,
  type RecoveryPromise,
  type RecoveryWindow,
} from './postgres/points/recovery-windows.ts';
export {
  prunedWindowChanges,
  recoveryWindowChanges,
  type WindowChange,
} from './postgres/points/window-change.ts';
export {
  PostgresSource,
  type PostgresSourceSettings,
  primaryPlace,
} from './postgres/postgres-source.ts';
export {
  type InPlacePlan,
  type InspectRestored,
  inspectFolder,
  type Keeping,
  type LeftOutFiles,
  type LookAround,
  type OpenScratchOptions,
  openScratch,
  type PausedServer,
  planInPlace,
  type RestoredInPlace,
  type RestoredMoment,
  type RestoredServer,
  restoreInPlace,
  restoreToMoment,
  type ScratchServer,
  type TablespaceWish,
  type WantedTables,
} from './postgres/restore/index.ts';
export { readOriginalPreloads } from './postgres/restore/original-preloads.ts';
export { listReaches, type Reach } from './postgres/restore/reaches.ts';
export { refuseRunning } from './postgres/restore/running-server.ts';
export {
  chooseServerAccount,
  createScratchFolder,
  findServerPrograms,
  initCluster,
  type RunningServer,
  removeScratchFolder,
  runServer,
  type ServerPrograms,
  sweepScratch,
} from './postgres/server/index.ts';
export { givenUpTimelines, giveUpTimeline } from './postgres/stream/given-up.ts';
export type { OpenByName } from './postgres/stream/owed-marks.ts';
export { logsNeededFrom } from './postgres/window/logs-needed.ts';
export type { PromisedWindow } from './postgres/window/promised-window.ts';
export {
  type RecoveryPromises,
  windowOfSource,
  windowOpeners,
} from './postgres/window/window-of-source.ts';
export { type AnySource, createSource, type SourceSettings } from './registry.ts';
export type {
  ArchiveOutcome,
  BackupSummary,
  CatalogSummary,
  Finding,
  LogGap,
  OtherRepository,
  Source,
  SourceContext,
  SourceKind,
  SourceLog,
  StreamAlarm,
  StreamSlot,
  StreamState,
} from './source.ts';
export { kindTag, snapshotsOfKind, sourceTag } from './source-tags.ts';
export { VolumeSource, type VolumeSourceSettings } from './volume/volume-source.ts';
