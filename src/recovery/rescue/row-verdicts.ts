import type { Session } from './session.ts';

/**
 * Why a row is not put back. `present`: it stands there as it was; `changed`: a row with its key stands there with
 * other values; `taken`: another row holds one of its unique values; `orphan`: its parent is gone; `refused`: a
 * constraint of today forbids it; `overtaken`: another session took its place while the rescue ran.
 */
export type Verdict = 'present' | 'changed' | 'taken' | 'orphan' | 'refused' | 'overtaken';

/** Rows with these verdicts stay destroyed: they are named, saved to a file, and lead to exit code 3. */
export const conflictVerdicts = ['changed', 'taken', 'orphan', 'refused', 'overtaken'] as const;

export interface VerdictCount {
  readonly table: number;
  readonly verdict: Verdict;
  /** The constraint, where one decided. */
  readonly constraint: string;
  readonly rows: number;
}

/** Staged rows without a line in here are put back. */
export const verdictsSql = 'pg_temp.lifeboat_verdicts';

export async function createVerdicts(live: Session): Promise<void> {
  await live.run(
    `create temp table lifeboat_verdicts (t int4 not null, n int8 not null, verdict text not null,
       detail text not null, primary key (t, n)) on commit drop`,
  );
}

/** Condition: the row `alias.n` of that table has no verdict yet. */
export function undecided(table: number, alias = 's', column = 'n'): string {
  return `not exists (select from ${verdictsSql} v where v.t = ${table} and v.n = ${alias}.${column})`;
}

export async function countVerdicts(live: Session): Promise<readonly VerdictCount[]> {
  return await live.rows<VerdictCount>(
    `select t as table, verdict, detail as constraint, count(*)::float8 as rows from ${verdictsSql}
     group by 1, 2, 3 order by 1, 2, 3`,
  );
}
