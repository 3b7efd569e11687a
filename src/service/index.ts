// service: the daemon behind `serve`. For each source it streams the log, backs up on schedule and records what the
// names in the catalog mean. One failing part is an alarm and is tried again; the others go on.
export { runService, type ServiceOptions } from './run-service.ts';
export type { ServiceEvent } from './service-event.ts';
