import type { Check, CheckPlan, CheckUnit } from '../check.ts';
import { describeRelation } from '../describe-relation.ts';
import type { Desk } from '../desk.ts';
import type { FormerState, FormerTable } from '../former-state.ts';
import { type Place, rowsKey } from '../place.ts';
import { storedRelations } from '../relations.ts';
import { formerGap, isSystemSchema } from './former-there.ts';

/** A small table may well be emptied and filled; a queue is nothing but that. */
const smallRows = 100;
/** What a table may lose before it looks like an accident. */
const lossShareMax = 0.5;

export const rowCounts = Object.freeze<Check>({
  name: 'row-counts',
  title: 'no table has lost its rows since the last proof',
  objects: ['table', 'tables'],
  isForCopies: true,
  plan,
});

async function plan(place: Place, desk: Desk): Promise<CheckPlan> {
  const { former } = place;
  if (former === undefined) return { units: [], notChecked: [] };
  const there = await storedRelations(desk, place.databases, ['r', 'm']);
  const present = new Map(there.map((each) => [rowsKey(each.database, each.oid), each]));
  const names = new Set(there.map(describeRelation));
  const units: CheckUnit[] = [];
  let estimated = 0;
  for (const table of former.tables) {
    const isTable = table.kind === 'r' || table.kind === 'm';
    if (!isTable || isSystemSchema(table.schema)) continue;
    const now = present.get(rowsKey(table.database, table.oid));
    if (now?.isUnlogged) continue;
    if (now === undefined && !names.has(describeRelation(table))) {
      units.push(goneUnit(former, table));
    } else if (now !== undefined && table.rows !== undefined) {
      units.push(unitOf(former, table, table.rows));
    } else estimated += 1;
  }
  const what = `${estimated} ${estimated === 1 ? 'table' : 'tables'}`;
  const why = 'their rows were not counted when they were recorded';
  const notChecked = [...formerGap(place), ...(estimated === 0 ? [] : [{ what, why }])];
  return { units, notChecked };
}

function unitOf(former: FormerState, table: FormerTable, before: number): CheckUnit {
  return {
    object: describeRelation(table),
    bytes: 0,
    run: async (desk) => {
      const now = desk.place.rows.get(rowsKey(table.database, table.oid));
      if (now === undefined) return { problems: [], notChecked: 'it could not be read' };
      const problem = judgeRows(now, before, former);
      return { problems: problem === undefined ? [] : [problem] };
    },
  };
}

function goneUnit({ time }: FormerState, table: FormerTable): CheckUnit {
  return {
    object: describeRelation(table),
    bytes: 0,
    run: async () => ({ problems: [`it is gone; it was there at ${time.toISOString()}`] }),
  };
}

/** What is wrong with a number of rows, in words. */
export function judgeRows(
  now: number,
  before: number,
  { time }: Pick<FormerState, 'time'>,
): string | undefined {
  if (before < smallRows || now >= before * (1 - lossShareMax)) return undefined;
  const had = `it had ${before} rows at ${time.toISOString()}`;
  return now === 0 ? `it is empty; ${had}` : `it holds ${now} rows; ${had}`;
}
