import { open } from 'node:fs/promises';
import { fileError, LifeboatError, sleep } from '../../../core/index.ts';
import { crc32c } from '../../../wal/index.ts';

/** ControlFileData of every version ends with its checksum within these (PG_CONTROL_MAX_SAFE_SIZE). */
export const controlDataBytes = 512;
/** pg_control_version, catalog_version_no ... come first; no version's is shorter. */
const leastDataBytes = 200;
const attempts = 20;

export interface ControlFile {
  readonly bytes: Buffer;
  /** Decimal. */
  readonly systemId: string;
}

/**
 * `global/pg_control`, whole: while the server writes it, a reader may see some of both states, and its checksum tells. Errors:
 * those of the file system; `backup.incomplete` when it stays wrong.
 */
export async function readControlFile(
  folder: string,
  signal: AbortSignal | undefined,
): Promise<ControlFile> {
  const path = `${folder}/global/pg_control`;
  for (let attempt = 0; attempt < attempts; attempt++) {
    const bytes = await readWhole(path);
    if (hasChecksum(bytes, 'LE')) return { bytes, systemId: bytes.readBigUInt64LE(0).toString() };
    await sleep(10, signal);
  }
  throw new LifeboatError('backup.incomplete', `${path} fails its checksum`, {
    hint: 'Nothing was published. The server itself would not start from this file: look at it with pg_controldata.',
  });
}

async function readWhole(path: string): Promise<Buffer> {
  try {
    await using file = await open(path, 'r');
    // One call: the server writes it with one.
    const { bytesRead, buffer } = await file.read(Buffer.alloc(16_384), 0, 16_384, 0);
    return buffer.subarray(0, bytesRead);
  } catch (error) {
    throw fileError(error, `could not read ${path}`);
  }
}

/**
 * Which cluster the first `controlDataBytes` of a `pg_control` are of, in the byte order of the machine that wrote it. Undefined: the checksum
 * fails, and what stands there proves nothing.
 */
export function clusterOf(bytes: Buffer): string | undefined {
  if (hasChecksum(bytes, 'LE')) return bytes.readBigUInt64LE(0).toString();
  return hasChecksum(bytes, 'BE') ? bytes.readBigUInt64BE(0).toString() : undefined;
}

/** Where the checksum lies differs from version to version; what holds at one place in a hundred is no accident. */
function hasChecksum(bytes: Buffer, order: 'LE' | 'BE'): boolean {
  const end = Math.min(controlDataBytes, bytes.length - 4);
  for (let at = leastDataBytes; at <= end; at += 4) {
    const sum = order === 'LE' ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at);
    if (sum !== 0 && sum === crc32c(bytes.subarray(0, at))) return true;
  }
  return false;
}
