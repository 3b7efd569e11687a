import { createHash } from 'node:crypto';
import { nameBytes } from '../../../repository/index.ts';
import { formatLsn } from '../../../wal/index.ts';
import type { BackupBounds } from '../base-backup/base-backup-stream.ts';
import type { StreamedFile } from '../base-backup/manifest-check.ts';

/**
 * A `backup_manifest` as the server writes it (docs of the backup manifest format), of what was read: pg_verifybackup compares a
 * restored copy with it.
 */
export function ownManifest(options: {
  readonly files: ReadonlyMap<string, StreamedFile & { readonly mtimeSeconds: number }>;
  readonly serverVersion: number;
  readonly systemId: string;
  readonly start: BackupBounds;
  readonly stop: BackupBounds;
}): Buffer {
  const { files, serverVersion, systemId, start, stop } = options;
  const version =
    serverVersion >= 170_000
      ? `{ "PostgreSQL-Backup-Manifest-Version": 2,\n"System-Identifier": ${systemId},\n`
      : '{ "PostgreSQL-Backup-Manifest-Version": 1,\n';
  const lines = [...files].map(([path, file]) => {
    const modified = new Date(file.mtimeSeconds * 1000).toISOString();
    const time = `${modified.slice(0, 10)} ${modified.slice(11, 19)} GMT`;
    return `{ ${pathField(path)}, "Size": ${file.sizeBytes}, "Last-Modified": "${time}", "Checksum-Algorithm": "CRC32C", "Checksum": "${file.crc32c}" }`;
  });
  const range = `{ "Timeline": ${start.timeline}, "Start-LSN": "${formatLsn(start.lsn)}", "End-LSN": "${formatLsn(stop.lsn)}" }`;
  const text = `${version}"Files": [\n${lines.join(',\n')}\n],\n"WAL-Ranges": [\n${range}\n],\n`;
  const sum = createHash('sha256').update(text).digest('hex');
  return Buffer.from(`${text}"Manifest-Checksum": "${sum}"}\n`);
}

/** A name that is no UTF-8 is written as the hex digits of its bytes. */
function pathField(path: string): string {
  if (path.isWellFormed()) return `"Path": ${JSON.stringify(path)}`;
  return `"Encoded-Path": "${nameBytes(path).toString('hex')}"`;
}
