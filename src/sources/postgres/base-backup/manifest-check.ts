import { type BackupManifest, untrue } from './manifest.ts';

/** What streamed past, as far as the manifest speaks of it. */
export interface StreamedFile {
  readonly sizeBytes: number;
  /** CRC-32C of the whole file, as the manifest writes it: 8 hex digits, least significant byte first. */
  readonly crc32c: string;
}

/**
 * Compares every file that streamed with the manifest, both ways. A difference means that bytes were lost or altered
 * on their way, so the backup must not be published: `backup.incomplete`, naming the first files.
 */
export function checkManifest(
  manifest: BackupManifest,
  streamed: ReadonlyMap<string, StreamedFile>,
): void {
  const missing: string[] = [];
  const different: string[] = [];
  for (const [path, said] of manifest.files) {
    const file = streamed.get(path);
    if (!file) missing.push(path);
    else if (file.sizeBytes !== said.sizeBytes) different.push(path);
    else if (said.algorithm === 'CRC32C' && file.crc32c !== said.checksum) different.push(path);
  }
  const unknown = [...streamed.keys()].filter((path) => !manifest.files.has(path));
  refuse(missing, 'was not sent');
  refuse(different, 'is not what the server read');
  refuse(unknown, 'is not in the manifest');
}

function refuse(paths: readonly string[], fact: string): void {
  if (paths.length === 0) return;
  const more = paths.length > 1 ? ` (and ${paths.length - 1} more)` : '';
  throw untrue(`${paths[0]}${more} ${fact}`, paths.slice(0, 20));
}
