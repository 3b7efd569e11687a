import type { LossSuspect, LossTable } from '../assess/loss-report.ts';
import type { SourceFacts, Wish } from './facts.ts';

/**
 * Those that a plan answers: the one that is named; else the grave ones, else those of medium weight. What is probably replaced or was
 * empty before is none. With tables named, only what touched these.
 */
export function relevantSuspects(source: SourceFacts, wish: Wish): readonly LossSuspect[] {
  const all = source.damage.suspects.filter((each) => touches(each, wish));
  const named = wish.target?.beforeXid;
  if (named !== undefined) {
    return all.filter(({ xid, subXids }) => xid === named || subXids.includes(named)).slice(0, 1);
  }
  const grave = all.filter(({ severity }) => severity === 'critical' || severity === 'high');
  return grave.length > 0 ? grave : all.filter(({ severity }) => severity === 'medium');
}

/** The one before which everything was right still. */
export function firstOf(suspects: readonly LossSuspect[]): LossSuspect | undefined {
  return suspects.toSorted((a, b) => Date.parse(a.commitTime) - Date.parse(b.commitTime))[0];
}

function touches(suspect: LossSuspect, { tables, database }: Wish): boolean {
  if (tables === undefined) return true;
  return suspect.tables.some((each) => {
    const isThere = database === undefined || each.database === database;
    return isThere && tables.some((wanted) => isSame(each, wanted));
  });
}

function isSame(table: LossTable, wanted: { readonly schema?: string; readonly name: string }) {
  if (wanted.schema !== undefined && wanted.schema !== table.schema) return false;
  return wanted.name === table.name;
}
