import { z } from 'zod';
import type { FileContent } from './file-content.ts';
import { parseRelationFile } from './relation-file.ts';

/** Where the checksums of the chunks of relation files lie in a snapshot: what lets a later backup leave a chunk unread. */
export const chunkSumsPath = '/lifeboat/chunks.json';

const schema = z.object({
  format: z.literal(1),
  chunkSizeBytes: z.number().int().positive(),
  /** CRC-32C of each chunk, four bytes little-endian, as Base64, by path in the data directory. */
  files: z.record(z.string(), z.string()),
});

export interface ChunkSums {
  readonly chunkSizeBytes: number;
  of(path: string): Uint32Array | undefined;
}

export function encodeChunkSums(
  files: ReadonlyMap<string, FileContent>,
  chunkSizeBytes: number,
): Buffer {
  const texts: Record<string, string> = {};
  for (const [path, { sums }] of files) {
    if (sums.length === 0 || parseRelationFile(path)?.fork !== 0) continue;
    const bytes = Buffer.alloc(sums.length * 4);
    for (const [index, sum] of sums.entries()) bytes.writeUInt32LE(sum, index * 4);
    texts[path] = bytes.toString('base64');
  }
  return Buffer.from(JSON.stringify({ format: 1, chunkSizeBytes, files: texts }));
}

/** Undefined when it does not parse: then nothing is left unread. */
export function parseChunkSums(bytes: Uint8Array): ChunkSums | undefined {
  let json: unknown;
  try {
    json = JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch {
    return undefined;
  }
  const parsed = schema.safeParse(json);
  if (!parsed.success) return undefined;
  const files = new Map(Object.entries(parsed.data.files));
  return {
    chunkSizeBytes: parsed.data.chunkSizeBytes,
    of(path) {
      const text = files.get(path);
      if (text === undefined) return undefined;
      const sums = Buffer.from(text, 'base64');
      if (sums.length % 4 !== 0) return undefined;
      return Uint32Array.from({ length: sums.length / 4 }, (_, at) => sums.readUInt32LE(at * 4));
    },
  };
}
