import type { Progress } from '../../core/index.ts';
import { findOrphans, holdParents, stagedParents } from './find-orphans.ts';
import { findPresent } from './find-present.ts';
import { findRefused, findTaken } from './find-taken.ts';
import { type InsertOrder, insertOrder, type Reference } from './insert-order.ts';
import { createVerdicts } from './row-verdicts.ts';
import type { Session } from './session.ts';
import { stageRows } from './stage-rows.ts';
import type { TableMatch } from './table-match.ts';

/** Staged rows in temporary tables of the live server, each with its verdict or none (then it is to be put back). */
export interface JudgedRows {
  readonly matches: readonly TableMatch[];
  /** Rows destroyed, by index of the table. */
  readonly destroyed: readonly number[];
  readonly order: InsertOrder;
}

/**
 * Stages the destroyed rows and decides for each whether it can be put back. Writes to temporary tables only. With
 * `hold`, parents that stand live are held until the transaction ends.
 */
export async function judgeRows(
  past: Session,
  live: Session,
  matches: readonly TableMatch[],
  options: { readonly hold: boolean; readonly progress: Progress },
): Promise<JudgedRows> {
  await createVerdicts(live);
  const destroyed: number[] = [];
  for (const match of matches) {
    destroyed.push(await stageRows(past, live, match, options.progress));
    // What stands there already comes first: such a row is no conflict, whatever else is true of it.
    await findPresent(past, live, match);
    await findTaken(live, match);
    await findRefused(live, match);
  }
  if (options.hold) await holdParents(live, matches);
  // Last: whether a row is an orphan depends on which other rows are put back.
  await findOrphans(live, matches);
  return { matches, destroyed, order: orderTables(matches) };
}

function orderTables(matches: readonly TableMatch[]): InsertOrder {
  const references: Reference[] = matches.flatMap((match) =>
    match.live.foreignKeys.flatMap((key) =>
      stagedParents(matches, key).map((parent) => ({
        child: match.index,
        parent: parent.index,
        constraint: key.name,
        deferrable: key.deferrable,
      })),
    ),
  );
  return insertOrder(
    matches.map((match) => match.index),
    references,
  );
}
