import { isLifeboatError } from '../../../core/index.ts';
import type { Check, CheckUnit, UnitOutcome } from '../check.ts';
import type { UserCheck } from '../user-check.ts';
import { judgeValue } from './judge-value.ts';

const timeoutMs = 10 * 60_000;

export const userChecks = Object.freeze<Check>({
  name: 'your-checks',
  title: 'your own checks hold',
  objects: ['check', 'checks'],
  plan: async (place) => ({ units: place.userChecks.map(unitOf), notChecked: [] }),
});

function unitOf(check: UserCheck): CheckUnit {
  return {
    object: check.name,
    bytes: 0,
    run: async (desk): Promise<UnitOutcome> => {
      if (!desk.place.databases.some(({ name }) => name === check.database)) {
        return { problems: [`there is no database ${check.database}`] };
      }
      const session = await desk.session(check.database, 'reader');
      const { dropAtMost, notOlderThanMs } = check;
      // Names mean what they mean to the user, and nothing can be changed.
      await session.run(
        `begin read only; reset search_path; set local statement_timeout = ${timeoutMs}`,
      );
      try {
        const value =
          notOlderThanMs === undefined ? 'x::text' : 'extract(epoch from x::timestamptz)::text';
        const rows = await session.rows<{ value: string | null }>(
          `select ${value} as value from (${check.sql.replace(/[;\s]+$/, '')}\n) as checked(x) limit 2`,
        );
        const former = desk.place.formerValues[check.name];
        const outcome = judgeValue(check, rows, { former, moment: desk.place.moment });
        const isFirst = dropAtMost !== undefined && former === undefined;
        return isFirst
          ? { ...outcome, notChecked: 'dropAtMost: no earlier proof has a value' }
          : outcome;
      } catch (error) {
        // Whatever the reason: a check that cannot be run does not hold.
        if (!isLifeboatError(error, 'postgres.query')) throw error;
        const { cause } = error;
        return { problems: [cause instanceof Error ? cause.message : error.message] };
      } finally {
        await session.run('rollback; set search_path = pg_catalog').catch(() => {});
      }
    },
  };
}
