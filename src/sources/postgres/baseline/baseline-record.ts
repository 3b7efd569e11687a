import { z } from 'zod';
import { LifeboatError } from '../../../core/index.ts';
import type { LifeboatRecord } from '../../../repository/index.ts';

const count = z.number().int().nonnegative();
const position = z.string().regex(/^[0-9A-Fa-f]{1,8}\/[0-9A-Fa-f]{1,8}$/);
const xid = count.max(0xffff_ffff);

const table = z.object({
  oid: count,
  /** 0 when it has none. */
  filenode: count,
  tablespace: count.exactOptional(),
  schema: z.string(),
  name: z.string(),
  rows: count.exactOptional(),
  /** False: an estimate of the server. */
  rowsExact: z.boolean().exactOptional(),
  /** With its indexes and TOAST. */
  bytes: count.exactOptional(),
  /** The newest value of the column that tells best when the table was last written to. */
  freshest: z.object({ column: z.string(), time: z.iso.datetime() }).exactOptional(),
  /** Rows deleted since the server's statistics began: the difference of two baselines is a rate. */
  deletedRows: count.exactOptional(),
  isUnlogged: z.literal(true).exactOptional(),
});

const moment = z.object({
  time: z.iso.datetime(),
  lsn: position,
  counted: z.discriminatedUnion('kind', [
    z.object({
      kind: z.literal('snapshot'),
      xmin: xid,
      xmax: xid,
      running: z.array(xid).readonly(),
    }),
    z.object({ kind: z.literal('replay'), from: count, to: count }),
  ]),
});

const baselineSchema = z.object({
  format: z.literal(1),
  systemId: z.string().regex(/^\d+$/),
  timeline: count,
  /** Before the first query. */
  lsn: position,
  time: z.iso.datetime(),
  reason: z.enum(['backup', 'timer']),
  /** Every transaction with this id or a later one has all of its records behind this position. */
  wholeFrom: z.object({ lsn: position, xid }),
  /** Names of databases that could not be read. */
  unread: z.array(z.string()).exactOptional(),
  databases: z.array(z.object({ oid: count, name: z.string(), moment, tables: z.array(table) })),
});

/** What a cluster held at a moment: stored as a record of kind `baseline`, at every backup and on a timer. */
export type BaselineRecord = z.infer<typeof baselineSchema>;
export type BaselineDatabase = BaselineRecord['databases'][number];
export type BaselineTable = BaselineDatabase['tables'][number];

/** Errors: `repository.damaged`. */
export function parseBaseline(record: LifeboatRecord): BaselineRecord {
  const parsed = baselineSchema.safeParse(record.body);
  if (parsed.success) return parsed.data;
  throw new LifeboatError(
    'repository.damaged',
    `the baseline of ${record.time.toISOString()} does not parse: ${z.prettifyError(parsed.error)}`,
    { cause: parsed.error },
  );
}
