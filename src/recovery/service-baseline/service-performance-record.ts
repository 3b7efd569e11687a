import { z } from 'zod';
import type { LifeboatRecord, Repository } from '../../repository/index.ts';

export const servicePerformanceKind = 'service-performance';

const number = z.number().nonnegative();

const schema = z.object({
  format: z.literal(1),
  /** The backup that it was recorded with. */
  snapshot: z.string(),
  performance: z.object({
    answersMs: z.record(z.string(), z.record(z.string(), number)),
    resources: z.record(
      z.string(),
      z.object({ processors: number.exactOptional(), memoryBytes: number.exactOptional() }),
    ),
    statements: z.record(
      z.string(),
      z.record(
        z.string(),
        z.object({ meanMs: number, calls: number, text: z.string().exactOptional() }),
      ),
    ),
    errorForms: z.record(z.string(), z.array(z.string())),
  }),
});

/** How fast the services that write to a source answered when it was backed up: a record of kind `service-performance`. */
export type ServicePerformanceRecord = z.infer<typeof schema>;

export interface StoredServicePerformance extends ServicePerformanceRecord {
  readonly time: Date;
}

/** Those of a source, newest first. What another version wrote is passed over. */
export async function listServicePerformance(
  repository: Pick<Repository, 'records'>,
  source: string,
): Promise<readonly StoredServicePerformance[]> {
  const records = await repository.records.list({ kind: servicePerformanceKind, source });
  return records.flatMap((record) => parse(record) ?? []).toReversed();
}

function parse({ body, time }: LifeboatRecord): StoredServicePerformance | undefined {
  const parsed = schema.safeParse(body);
  return parsed.success ? { ...parsed.data, time } : undefined;
}
