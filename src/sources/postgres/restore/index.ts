// restore: a source as it was at a moment, as a folder or as a scratch server.
export { type InspectFolderOptions, inspectFolder } from './inspect-folder.ts';
export type { LookAround, PausedAt, PausedServer } from './look-around.ts';
export { type OpenScratchOptions, openScratch, type ScratchServer } from './open-scratch.ts';
export type { LeftOutFiles, WantedTables } from './partial-copy.ts';
export { planRecovery, type RecoveryPlan, type RecoveryRequest } from './recovery-plan.ts';
export {
  type InPlacePlan,
  type Keeping,
  planInPlace,
  type RestoredInPlace,
  type RestoreInPlaceOptions,
  restoreInPlace,
} from './restore-in-place.ts';
export {
  type RestoredFiles,
  type RestoreSnapshotOptions,
  restoreSnapshot,
} from './restore-snapshot.ts';
export {
  type RestoredMoment,
  type RestoreToMomentOptions,
  restoreToMoment,
} from './restore-to-moment.ts';
export type { InspectRestored, RestoredServer } from './restored-server.ts';
export type { TablespaceWish } from './tablespace-mapping.ts';
