// service: the daemon behind `serve`. For each source it streams the log, backs up on schedule and records what the
// names in the catalog mean; it keeps the repositories in order. One failing part is an alarm and is tried again; the
// others go on. And what `status` shows.
export {
  type Activity,
  type ActivityNote,
  type ActivityNotes,
  noteActivity,
} from './activity.ts';
export { forgetRequest } from './forget-of.ts';
export { frozenTooLongMs } from './freeze-keeper.ts';
export { type KeptSource, keptSources, promisesOf } from './kept-sources.ts';
export { runService, type ServiceOptions } from './run-service.ts';
export type { ServiceEvent } from './service-event.ts';
export type { IntegrityStatus } from './status/integrity-status.ts';
export type { ProofStatus } from './status/proof-status.ts';
export {
  type RepositoryStatus,
  repositoryStatus,
  type SeenRepository,
} from './status/repository-status.ts';
export { type FlaggedSnapshot, type SourceStatus, sourceStatus } from './status/source-status.ts';
export type { StreamStatus } from './status/stream-status.ts';
