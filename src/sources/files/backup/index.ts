export { type BackupFilesOptions, backupFiles, type FilesBackupSummary } from './backup-files.ts';
