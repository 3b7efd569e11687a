import { z } from 'zod';

const amount = z.number();

/**
 * A change of a table that looks like a loss: it is gone (`gone`), has fewer rows (`rows`) or bytes (`size`), nothing is written
 * to it any more (`stale`), or far more rows are deleted than ever (`deletions`).
 */
export const driftSchema = z.object({
  kind: z.enum(['gone', 'rows', 'size', 'stale', 'deletions']),
  database: z.string(),
  schema: z.string(),
  table: z.string(),
  /** Rows; of `size` bytes; of `stale` milliseconds since the newest row; of `deletions` rows per hour. */
  from: amount,
  to: amount,
  /** Of the baselines that are compared. ISO 8601. */
  fromTime: z.iso.datetime(),
  toTime: z.iso.datetime(),
  /** Of `stale`: which column was looked at. */
  column: z.string().exactOptional(),
});

export type Drift = z.infer<typeof driftSchema>;
export type DriftKind = Drift['kind'];

export interface DriftLimits {
  /** Share of rows that a table may lose from its highest count of the past day. */
  readonly dropAtMost: number;
  /** Tables that are not watched: patterns, see `matchesTable`. */
  readonly ignore: readonly string[];
}

export const defaultDriftLimits: DriftLimits = { dropAtMost: 0.1, ignore: [] };

/** `shop.public.orders`. */
export function tableNameOf({
  database,
  schema,
  table,
}: Omit<Drift, 'kind' | 'from' | 'to'>): string {
  return `${database}.${schema}.${table}`;
}

/** `orders`, `public.orders` or `shop.public.orders`; `*` stands for any text within a part. */
export function matchesTable(
  pattern: string,
  { database, schema, table }: Pick<Drift, 'database' | 'schema' | 'table'>,
): boolean {
  const parts = pattern.split('.').reverse();
  const names = [table, schema, database];
  return (
    parts.length <= names.length &&
    parts.every((part, at) => matchesPart(part, names[at] as string))
  );
}

function matchesPart(pattern: string, name: string): boolean {
  const escaped = pattern.split('*').map((text) => text.replaceAll(/[\\^$.|?+()[\]{}]/g, '\\$&'));
  return new RegExp(`^${escaped.join('.*')}$`, 's').test(name);
}
