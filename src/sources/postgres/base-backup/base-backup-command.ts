/** What the server accepts, in KiB a second. */
const slowest = 32;
const fastest = 1024 * 1024;

/**
 * BASE_BACKUP in the syntax of the server's version. Checksums of pages are verified here, not there: the server would
 * fail the whole backup at its end. WAL is included and not waited for in an archive, so that the snapshot
 * starts by itself whatever the archive does. No tablespace map: tablespaces are stored as folders.
 */
export function baseBackupCommand(serverVersion: number, bytesPerSecond?: number): string {
  const rate = bytesPerSecond === undefined ? undefined : rateKib(bytesPerSecond);
  if (serverVersion < 150_000) {
    const limit = rate === undefined ? '' : ` MAX_RATE ${rate}`;
    return `BASE_BACKUP LABEL 'lifeboat' PROGRESS FAST WAL NOWAIT${limit} NOVERIFY_CHECKSUMS MANIFEST 'yes' MANIFEST_CHECKSUMS 'CRC32C'`;
  }
  const options = [
    "LABEL 'lifeboat'",
    'PROGRESS true',
    "CHECKPOINT 'fast'",
    'WAL true',
    'WAIT false',
    ...(rate === undefined ? [] : [`MAX_RATE ${rate}`]),
    'VERIFY_CHECKSUMS false',
    'TABLESPACE_MAP false',
    "MANIFEST 'yes'",
    "MANIFEST_CHECKSUMS 'CRC32C'",
    "TARGET 'client'",
  ];
  return `BASE_BACKUP (${options.join(', ')})`;
}

/** Undefined for more than the server can limit to, which is no limit in practice. */
function rateKib(bytesPerSecond: number): number | undefined {
  const kib = Math.floor(bytesPerSecond / 1024);
  return kib > fastest ? undefined : Math.max(slowest, kib);
}
