import type { LossSuspect } from '../assess/loss-report.ts';
import type { RowOutcome } from './rescue-rows.ts';
import type { RowPlan } from './row-plan.ts';

/** What a rescue will do. Frozen and printable; nothing was changed to make it. */
export interface RescuePlan extends RowPlan {
  readonly source: string;
  /** The live server, for people. */
  readonly server: string;
  readonly xid: number;
  readonly commitLsn: string;
  readonly commitTime: string;
  /** Just before this position is the past that rows come from. */
  readonly targetLsn: string;
  readonly snapshot: string;
  readonly kind: LossSuspect['kind'];
  readonly rowsDestroyed: number;
  readonly rowsToPutBack: number;
  readonly rowsAlreadyThere: number;
  readonly rowsInConflict: number;
}

export interface RescueOutcome extends RowOutcome {
  readonly source: string;
  readonly xid: number;
  readonly rowsPutBack: number;
  readonly referencesPutBack: number;
  readonly rowsAlreadyThere: number;
  /** Not zero means exit code 3: the rows are in the files of `conflicts`. */
  readonly rowsInConflict: number;
  readonly durationMs: number;
}

/** The body of records of kind `rescue`: one before anything is written, one after. */
export interface RescueRecord {
  readonly phase: 'intent' | 'done' | 'failed';
  readonly plan: RescuePlan;
  readonly outcome?: RescueOutcome;
  readonly error?: { readonly code: string; readonly message: string };
}

export function describePlan(
  rows: RowPlan,
  suspect: LossSuspect,
  source: string,
  server: string,
  warnings: readonly string[],
): RescuePlan {
  return Object.freeze({
    ...rows,
    warnings: Object.freeze([...warnings, ...rows.warnings]),
    source,
    server,
    xid: suspect.xid,
    commitLsn: suspect.commitLsn,
    commitTime: suspect.commitTime,
    targetLsn: suspect.target.lsn,
    snapshot: suspect.base?.snapshot ?? '',
    kind: suspect.kind,
    rowsDestroyed: sum(rows.tables.map((table) => table.destroyed)),
    rowsToPutBack: sum(rows.tables.map((table) => table.toPutBack)),
    rowsAlreadyThere: sum(rows.tables.map((table) => table.alreadyThere)),
    rowsInConflict: sum(rows.tables.flatMap((table) => table.conflicts.map((each) => each.rows))),
  });
}

export function describeOutcome(
  rows: RowOutcome,
  plan: RescuePlan,
  durationMs: number,
): RescueOutcome {
  return Object.freeze({
    ...rows,
    source: plan.source,
    xid: plan.xid,
    rowsPutBack: sum(rows.tables.map((table) => table.putBack)),
    referencesPutBack: sum(rows.references.map((each) => each.putBack)),
    rowsAlreadyThere: sum(rows.tables.map((table) => table.alreadyThere)),
    rowsInConflict: sum(rows.conflicts.map((each) => each.rows)),
    durationMs: Math.round(durationMs),
  });
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}
