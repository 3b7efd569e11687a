import { z } from 'zod';

// What checks found, as it stands in records.

const count = z.number().nonnegative();

export const checkResults = z.array(
  z.object({
    check: z.string(),
    title: z.string(),
    verdict: z.enum(['passed', 'failed', 'not-checked']),
    looked: z.string(),
    objects: count,
    bytes: count,
    durationMs: count,
    problems: z.array(z.object({ object: z.string(), problem: z.string() })),
    moreProblems: count.exactOptional(),
    notChecked: z.array(z.object({ what: z.string(), why: z.string() })),
    values: z.record(z.string(), z.number()).exactOptional(),
    damaged: z
      .array(
        z.object({
          object: z.string(),
          path: z.string(),
          firstBlock: count,
          blocks: z.array(count),
        }),
      )
      .exactOptional(),
  }),
);

const holder = z.object({ snapshot: z.string(), time: z.iso.datetime() });

export const corruptions = z.array(
  z.object({
    object: z.string(),
    path: z.string(),
    block: count,
    intact: holder.exactOptional(),
    damaged: holder.exactOptional(),
  }),
);
