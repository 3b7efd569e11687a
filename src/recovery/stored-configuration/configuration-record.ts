import { createHash } from 'node:crypto';
import { z } from 'zod';
import { canonicalJson } from '../../repository/index.ts';

export const configurationKind = 'configuration';
/** As JSON. A real one has some thousand bytes; one of hand-written megabytes does not exist. */
export const mostConfigurationBytes = 1024 * 1024;

/** What goes through its levels calls itself. */
const mostLevels = 50;

const text = z.string().max(4096);
const schema = z.object({
  format: z.literal(1),
  /** Where it is in force, by whom it was used then, and by which program. */
  host: z.string().min(1).max(255),
  actor: text,
  program: text,
  /** Path of the file on that host. */
  file: text,
  /** The repository that it was stored in first, as this configuration calls it. */
  repository: z.object({ name: text, id: text }),
  /** Places where a secret was left out. */
  leftOut: z.array(text).max(10_000),
  configuration: z.unknown(),
});

/** Body of a record of kind `configuration`. Layout: docs/formats/configuration-records.md. */
export type ConfigurationRecord = z.infer<typeof schema>;

/** What somebody stored, as far as it can be told by whom and where; or what is wrong with it. */
export function parseConfigurationRecord(
  body: unknown,
): { readonly record: ConfigurationRecord } | { readonly problem: string } {
  const parsed = schema.safeParse(body);
  if (!parsed.success) {
    const place = parsed.error.issues[0]?.path.map(String).join('.').slice(0, 100);
    return { problem: `it is no configuration that this version knows (${place || 'format'})` };
  }
  const { configuration = null } = parsed.data;
  if (isDeeperThan(mostLevels, configuration)) return { problem: 'it is far too deep' };
  if (JSON.stringify(configuration).length > mostConfigurationBytes) {
    return { problem: 'it is far too large for a configuration' };
  }
  return { record: parsed.data };
}

function isDeeperThan(levels: number, value: unknown): boolean {
  let level: readonly unknown[] = [value];
  for (let at = 0; at < levels && level.length > 0; at++) {
    level = level.flatMap((each) =>
      typeof each === 'object' && each !== null ? Object.values(each) : [],
    );
  }
  return level.length > 0;
}

/** Tells whether two say the same. */
export function fingerprintOf({
  configuration,
  leftOut,
}: {
  readonly configuration: unknown;
  readonly leftOut: readonly string[];
}): string {
  return createHash('sha256').update(canonicalJson({ configuration, leftOut })).digest('hex');
}
