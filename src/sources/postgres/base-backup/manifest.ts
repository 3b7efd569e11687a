import { createHash } from 'node:crypto';
import { z } from 'zod';
import { LifeboatError } from '../../../core/index.ts';
import { nameFromBytes } from '../../../repository/index.ts';

/** What the server says it sent: `backup_manifest`, version 1 (13 to 16) or 2 (17 and later). */
export interface BackupManifest {
  readonly version: 1 | 2;
  /** Decimal; version 2 only. */
  readonly systemId?: string;
  /** By path relative to the data directory; never WAL segments. */
  readonly files: ReadonlyMap<string, ManifestFile>;
  readonly walRanges: readonly { timeline: number; startLsn: string; endLsn: string }[];
}

export interface ManifestFile {
  readonly sizeBytes: number;
  /** `CRC32C`, `SHA256` ...; absent when the server computed none. */
  readonly algorithm?: string;
  /** Lower-case hex. */
  readonly checksum?: string;
}

const fileSchema = z.object({
  Path: z.string().optional(),
  'Encoded-Path': z
    .string()
    .regex(/^([0-9a-f]{2})+$/i)
    .optional(),
  Size: z.number().int().nonnegative(),
  'Checksum-Algorithm': z.string().optional(),
  Checksum: z
    .string()
    .regex(/^[0-9a-f]*$/i)
    .optional(),
});

const manifestSchema = z.object({
  'PostgreSQL-Backup-Manifest-Version': z.union([z.literal(1), z.literal(2)]),
  Files: z.array(fileSchema),
  'WAL-Ranges': z.array(
    z.object({ Timeline: z.number().int(), 'Start-LSN': z.string(), 'End-LSN': z.string() }),
  ),
  'Manifest-Checksum': z.string(),
});

/** Parses the manifest and verifies its own checksum. Anything wrong is `backup.incomplete`. */
export function parseManifest(bytes: Buffer): BackupManifest {
  const lastLine = bytes.lastIndexOf(0x0a, bytes.length - 2) + 1;
  const json = parseJson(bytes);
  const parsed = manifestSchema.safeParse(json);
  if (!parsed.success) throw untrue(`it does not parse: ${z.prettifyError(parsed.error)}`);
  const own = createHash('sha256').update(bytes.subarray(0, lastLine)).digest('hex');
  if (own !== parsed.data['Manifest-Checksum']) throw untrue('it fails its own checksum');
  // An identifier of 64 bits does not fit a JavaScript number, so it is taken from the text.
  const systemId = /"System-Identifier":\s*(\d+)/.exec(bytes.toString('latin1', 0, 200))?.[1];
  const files = new Map<string, ManifestFile>();
  for (const file of parsed.data.Files) {
    const path = file.Path ?? nameFromBytes(Buffer.from(file['Encoded-Path'] ?? '', 'hex'));
    if (path === '' || files.has(path)) throw untrue(`it names ${JSON.stringify(path)} twice`);
    files.set(path, {
      sizeBytes: file.Size,
      ...(file['Checksum-Algorithm']
        ? { algorithm: file['Checksum-Algorithm'].toUpperCase() }
        : {}),
      ...(file.Checksum ? { checksum: file.Checksum.toLowerCase() } : {}),
    });
  }
  return {
    version: parsed.data['PostgreSQL-Backup-Manifest-Version'],
    ...(systemId === undefined ? {} : { systemId }),
    files,
    walRanges: parsed.data['WAL-Ranges'].map((range) => ({
      timeline: range.Timeline,
      startLsn: range['Start-LSN'],
      endLsn: range['End-LSN'],
    })),
  };
}

/** The backup is not what the server said it sent. */
export function untrue(fact: string, paths: readonly string[] = []): LifeboatError {
  return new LifeboatError('backup.incomplete', `the backup does not match its manifest: ${fact}`, {
    hint: 'Nothing was published. Run the backup again; if it repeats, bytes are altered between the server and here.',
    context: paths.length > 0 ? { files: paths } : {},
    retryable: true,
  });
}

function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    throw untrue('it is no JSON');
  }
}
