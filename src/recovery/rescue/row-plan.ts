import type { LostReferences } from './lost-references.ts';
import type { QuietMode } from './quiet-triggers.ts';
import type { SequenceRaise } from './raise-sequences.ts';
import type { Verdict, VerdictCount } from './row-verdicts.ts';
import { isConflict } from './save-conflicts.ts';
import type { TableMatch } from './table-match.ts';

/** What a rescue would do to one database, counted on the live server and changed by nothing. Printable. */
export interface RowPlan {
  readonly database: string;
  /** In the order in which rows are inserted: parents first. */
  readonly tables: readonly RescueTable[];
  readonly references: readonly RescueReferences[];
  readonly sequences: readonly SequenceRaise[];
  /** How triggers are kept silent; `owner` locks out writers of tables that have some. */
  readonly triggers: QuietMode;
  readonly warnings: readonly string[];
}

export interface RescueTable {
  readonly table: string;
  readonly action: 'delete' | 'truncate';
  /** Rows the transaction removed. Always alreadyThere + toPutBack + the rows of all conflicts. */
  readonly destroyed: number;
  /** Stand there as they were: put back before, or written again. */
  readonly alreadyThere: number;
  readonly toPutBack: number;
  readonly conflicts: readonly RescueConflict[];
  /** Columns by which rows are recognised; empty: by all columns. */
  readonly key: readonly string[];
  readonly columns: readonly string[];
}

export interface RescueConflict {
  readonly reason: Verdict;
  readonly constraint: string;
  readonly rows: number;
}

/** Rows that were not deleted but lost what they pointed at (ON DELETE SET NULL or SET DEFAULT). */
export interface RescueReferences {
  readonly table: string;
  readonly columns: readonly string[];
  readonly rows: number;
  readonly toPutBack: number;
  readonly alreadyThere: number;
  /** Changed since, or deleted: left as they are. */
  readonly leftAlone: number;
}

export function describeTable(
  match: TableMatch,
  destroyed: number,
  counts: readonly VerdictCount[],
): RescueTable {
  const mine = counts.filter((count) => count.table === match.index);
  const decided = mine.reduce((sum, count) => sum + count.rows, 0);
  const present = mine.filter((count) => !isConflict(count));
  return Object.freeze({
    table: match.display,
    action: match.file.truncated ? 'truncate' : 'delete',
    destroyed,
    alreadyThere: present.reduce((sum, count) => sum + count.rows, 0),
    toPutBack: destroyed - decided,
    conflicts: Object.freeze(
      mine.filter(isConflict).map(({ verdict, constraint, rows }) => ({
        reason: verdict,
        constraint,
        rows,
      })),
    ),
    key: Object.freeze(
      (match.key?.columnNumbers ?? []).map(
        (number) => match.columns.find((column) => column.liveNumber === number)?.live ?? '',
      ),
    ),
    columns: Object.freeze(match.columns.map((column) => column.live)),
  });
}

export function describeReferences(lost: LostReferences): RescueReferences {
  const { rows, toPutBack, alreadyThere } = lost;
  return Object.freeze({
    table: lost.match.display,
    columns: Object.freeze(lost.columns.map((column) => column.live)),
    rows,
    toPutBack,
    alreadyThere,
    leftAlone: rows - toPutBack - alreadyThere,
  });
}
