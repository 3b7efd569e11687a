// Restoring files of a snapshot.

export type { RestoreCounts } from './counts.ts';
export { type OverwritePolicy, overwritePolicies } from './overwrite.ts';
export { type OwnerMapping, parseOwnerMapping } from './owner-map.ts';
export type { AttributeProblem, RestoreProblem } from './problems.ts';
export {
  type RestoreFilesOptions,
  type RestoreFilesResult,
  restoreFiles,
} from './restore-files.ts';
