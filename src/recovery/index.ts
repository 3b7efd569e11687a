// recovery: what was lost, and how it comes back.
export {
  type DestroyedFile,
  type Destruction,
  formatTupleId,
  type TupleId,
  tupleId,
} from './rescue/destruction.ts';
export type { PastServer } from './rescue/past-server.ts';
export { planRows, putRowsBack, type RowOutcome, type RowRescue } from './rescue/rescue-rows.ts';
export type {
  RescueConflict,
  RescueReferences,
  RescueTable,
  RowPlan,
} from './rescue/row-plan.ts';
export type { SavedConflict } from './rescue/save-conflicts.ts';
