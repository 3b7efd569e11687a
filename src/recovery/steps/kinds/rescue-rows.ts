import { LifeboatError } from '../../../core/index.ts';
import { planRescue } from '../../rescue/plan-rescue.ts';
import type { StepInputs } from '../step-inputs.ts';
import type { StepKind } from '../step-kind.ts';
import { postgresSource } from '../step-source.ts';

/**
 * One transaction puts back what another destroyed. It looks first at what is there, so doing it once more puts back nothing twice, and
 * whether a crash came before or after its commit makes no difference.
 */
export const rescueRows: StepKind<StepInputs['rescue-rows']> = {
  name: 'rescue-rows',

  async probe() {
    return { found: 'continue' };
  },

  async run(input, context) {
    const { surroundings, signal, progress } = context;
    const source = await postgresSource(input.source, 'rescue', context);
    await using prepared = await planRescue({
      repository: await surroundings.repositoryOf(input.source),
      source,
      selection: { commitLsn: input.commitLsn },
      signal,
      progress,
    });
    const { plan } = prepared;
    if (plan.xid !== input.xid || (input.database ?? plan.database) !== plan.database) {
      throw new LifeboatError(
        'plan.refused',
        `the transaction at ${input.commitLsn} is ${plan.xid} in ${plan.database}, not ${input.xid} in ${input.database ?? 'any'}`,
        { hint: 'Nothing was changed. Make a new plan.' },
      );
    }
    const outcome = await prepared.run();
    const { rowsPutBack, rowsAlreadyThere, rowsInConflict, conflicts, warnings } = outcome;
    const saved =
      rowsInConflict === 0
        ? ''
        : `; ${rowsInConflict} that others stand in the way of are in files`;
    return {
      text: `put ${rowsPutBack} rows back into ${outcome.database}, ${rowsAlreadyThere} were there${saved}`,
      result: { database: outcome.database, conflicts: conflicts.map(({ path }) => path) },
      evidence: {
        rowsPutBack,
        rowsAlreadyThere,
        rowsInConflict,
        tables: outcome.tables,
        conflicts,
        warnings,
        ...(rowsInConflict > 0 ? { isPartial: true } : {}),
      },
    };
  },
};
