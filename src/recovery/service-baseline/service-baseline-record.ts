import { z } from 'zod';
import type { LifeboatRecord, Repository } from '../../repository/index.ts';

export const serviceBaselineKind = 'service-baseline';

const text = z.record(z.string(), z.string());

const baseline = z.object({
  image: z.string().exactOptional(),
  imageDigest: z.string().exactOptional(),
  command: z.array(z.string()),
  environment: text,
  ports: z.array(z.string()),
  files: text,
});

const schema = z.object({
  format: z.literal(1),
  /** What the hashes of the environment were made with: hex. Another one in each record. */
  salt: z.string().regex(/^[0-9a-f]{32,}$/),
  /** The backup that it was recorded with. */
  snapshot: z.string().exactOptional(),
  services: z.record(z.string(), z.object({ platform: z.string(), baseline })),
  /** Services that could not be asked, and why. */
  unread: text.exactOptional(),
});

/** What the services that write to a source were made of when it was backed up: a record of kind `service-baseline`. */
export type ServiceBaselineRecord = z.infer<typeof schema>;

export interface StoredServiceBaselines extends ServiceBaselineRecord {
  /** Of the record. */
  readonly id: string;
  readonly time: Date;
}

/** Those of a source, newest first. What another version wrote is passed over. */
export async function listServiceBaselines(
  repository: Pick<Repository, 'records'>,
  source: string,
  since?: Date,
): Promise<readonly StoredServiceBaselines[]> {
  const records = await repository.records.list({
    kind: serviceBaselineKind,
    source,
    ...(since ? { since } : {}),
  });
  return records.flatMap((record) => parse(record) ?? []).toReversed();
}

function parse({ id, body, time }: LifeboatRecord): StoredServiceBaselines | undefined {
  const parsed = schema.safeParse(body);
  return parsed.success ? { ...parsed.data, id, time } : undefined;
}
