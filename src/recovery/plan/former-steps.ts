import { z } from 'zod';
import type { Repository } from '../../repository/index.ts';
import type { MeasuredStep } from './facts.ts';
import type { Plan } from './plan.ts';

/** Of the journal of a run, only what tells how long a step took that was seen to end. */
const entry = z.object({
  run: z.string(),
  time: z.iso.datetime(),
  body: z.discriminatedUnion('type', [
    z.object({
      type: z.literal('opened'),
      plan: z.object({
        steps: z.array(z.object({ id: z.string(), kind: z.string(), input: z.looseObject({}) })),
      }),
    }),
    z.object({
      type: z.literal('outcome'),
      step: z.string(),
      durationMs: z.number().nonnegative(),
      known: z.string(),
    }),
  ]),
});

/** How long the steps of former runs took, the newest first; what another version wrote is passed over. */
export async function formerSteps(
  repository: Pick<Repository, 'records'>,
): Promise<readonly MeasuredStep[]> {
  const records = await repository.records.list({ kind: 'run' });
  const entries = records.flatMap(({ body }) => {
    const parsed = entry.safeParse((body as { readonly entry?: unknown } | null)?.entry);
    return parsed.success ? [parsed.data] : [];
  });
  const plans = new Map<string, Pick<Plan['steps'][number], 'id' | 'kind' | 'input'>[]>();
  for (const { run, body } of entries) {
    if (body.type === 'opened') plans.set(run, body.plan.steps as Plan['steps'][number][]);
  }
  return entries
    .flatMap(({ run, time, body }): readonly MeasuredStep[] => {
      // Found done afterwards, or said by a person: nobody saw how long it took.
      if (body.type !== 'outcome' || body.known !== 'seen') return [];
      const step = plans.get(run)?.find(({ id }) => id === body.step);
      if (step === undefined) return [];
      const { source } = step.input;
      return [
        {
          kind: step.kind,
          ...(typeof source === 'string' ? { source } : {}),
          durationMs: body.durationMs,
          time,
          where: `run ${run.slice(0, 8)}`,
        },
      ];
    })
    .toReversed();
}
