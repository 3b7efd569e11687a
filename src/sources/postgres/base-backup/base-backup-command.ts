/**
 * BASE_BACKUP in the syntax of the server's version. Checksums of pages are verified here, not there: the server would
 * fail the whole backup at its end. WAL is included and not waited for in an archive, so that the snapshot
 * starts by itself whatever the archive does. No tablespace map: tablespaces are stored as folders.
 */
export function baseBackupCommand(serverVersion: number): string {
  if (serverVersion < 150_000) {
    return "BASE_BACKUP LABEL 'lifeboat' PROGRESS FAST WAL NOWAIT NOVERIFY_CHECKSUMS MANIFEST 'yes' MANIFEST_CHECKSUMS 'CRC32C'";
  }
  const options = [
    "LABEL 'lifeboat'",
    'PROGRESS true',
    "CHECKPOINT 'fast'",
    'WAL true',
    'WAIT false',
    'VERIFY_CHECKSUMS false',
    'TABLESPACE_MAP false',
    "MANIFEST 'yes'",
    "MANIFEST_CHECKSUMS 'CRC32C'",
    "TARGET 'client'",
  ];
  return `BASE_BACKUP (${options.join(', ')})`;
}
