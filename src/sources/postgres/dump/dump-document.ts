import { z } from 'zod';
import { LifeboatError } from '../../../core/index.ts';
import type { Repository, Snapshot } from '../../../repository/index.ts';

/** Where a snapshot of dumps describes itself. */
export const dumpDocumentPath = '/lifeboat/dump.json';
export const globalsPath = '/globals.sql';

const count = z.number().int().nonnegative();

const schema = z.object({
  format: z.literal(1),
  source: z.string(),
  /** server_version_num. */
  serverVersion: count,
  /** Of pg_dump: what loads it must be as new. */
  clientVersion: z.string().regex(/^\d+/),
  databases: z.array(
    z.object({
      name: z.string(),
      /** In the snapshot. */
      path: z.string(),
      /** Of the server: the moment that the dump shows, of all tables alike. ISO 8601. */
      time: z.string(),
      /** Of the server at that moment; not of a standby. */
      lsn: z.string().exactOptional(),
      bytes: count,
    }),
  ),
  globals: z.object({
    path: z.string(),
    /** The role could not read them. */
    withoutPasswords: z.boolean(),
  }),
});

/** Stored as `/lifeboat/dump.json` beside the dumps. */
export type DumpDocument = z.infer<typeof schema>;

/** Errors: `repository.damaged`, also for a snapshot of something else. */
export async function readDumpDocument(
  repository: Repository,
  snapshot: Snapshot,
): Promise<DumpDocument> {
  const node = await repository.findNode(snapshot.tree, dumpDocumentPath);
  const chunks: Uint8Array[] = [];
  for await (const chunk of repository.readFileContent(node?.content ?? [])) chunks.push(chunk);
  try {
    return schema.parse(JSON.parse(Buffer.concat(chunks).toString('utf8')));
  } catch (cause) {
    throw new LifeboatError(
      'repository.damaged',
      `snapshot ${snapshot.id.slice(0, 8)} has no ${dumpDocumentPath} that can be read`,
      { hint: 'It is no snapshot of dumps, or it is damaged: choose another one.', cause },
    );
  }
}
