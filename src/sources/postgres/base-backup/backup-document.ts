import { z } from 'zod';
import { LifeboatError } from '../../../core/index.ts';
import type { CatalogRecord, PostgresBackupInfo } from '../backup-info.ts';

/** Where the two documents lie in a snapshot. */
export const backupDocumentPath = '/lifeboat/backup.json';
export const catalogDocumentPath = '/lifeboat/catalog.json';

const position = z.string().regex(/^[0-9A-Fa-f]{1,8}\/[0-9A-Fa-f]{1,8}$/);
const count = z.number().int().nonnegative();

const backupSchema = z.object({
  format: z.literal(1),
  source: z.string(),
  systemId: z.string().regex(/^\d+$/),
  serverVersion: count,
  timeline: count,
  startLsn: position,
  stopLsn: position,
  startTime: z.iso.datetime(),
  stopTime: z.iso.datetime(),
  segmentSizeBytes: count,
  dataChecksums: z.boolean(),
  mode: z.literal(['streamed', 'local']).exactOptional(),
  unreadBytes: count.exactOptional(),
  wholeReadTime: z.iso.datetime().exactOptional(),
  chunkSizeBytes: count.exactOptional(),
  tablespaces: z.array(z.object({ oid: count, location: z.string() })),
  damagedPages: z.array(
    z.object({ path: z.string(), block: count, relation: z.string().exactOptional() }),
  ),
  bytesTotal: count,
  filesTotal: count,
});

const catalogSchema = z.object({
  systemId: z.string(),
  timeline: count,
  lsn: position,
  time: z.iso.datetime(),
  databases: z.array(
    z.object({
      oid: count,
      name: z.string(),
      relations: z.array(
        z.object({
          oid: count,
          filenode: count,
          tablespace: count.exactOptional(),
          schema: z.string(),
          name: z.string(),
          kind: z.string(),
          toastOf: count.exactOptional(),
          inheritsFrom: z.array(count).exactOptional(),
          rows: count.exactOptional(),
          rowsExact: z.boolean().exactOptional(),
        }),
      ),
    }),
  ),
});

/** Errors: `repository.damaged`. */
export function parseBackupDocument(bytes: Uint8Array): PostgresBackupInfo {
  return parse(bytes, backupSchema, backupDocumentPath);
}

/** For the snapshot's document and for a record of kind `catalog`, once it is JSON. Errors: `repository.damaged`. */
export function parseCatalogDocument(bytes: Uint8Array): CatalogRecord {
  return parse(bytes, catalogSchema, catalogDocumentPath);
}

function parse<Value>(bytes: Uint8Array, schema: z.ZodType<Value>, path: string): Value {
  let json: unknown;
  try {
    json = JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch (cause) {
    throw damaged(path, 'it is no JSON', cause);
  }
  const parsed = schema.safeParse(json);
  if (!parsed.success) throw damaged(path, z.prettifyError(parsed.error), parsed.error);
  return parsed.data;
}

function damaged(path: string, fact: string, cause: unknown): LifeboatError {
  return new LifeboatError(
    'repository.damaged',
    `${path} of the snapshot does not parse: ${fact}`,
    {
      hint: 'Use another snapshot, or a newer version of this program if one wrote it.',
      cause,
    },
  );
}
