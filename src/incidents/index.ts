// incidents: what is known of a loss while it is dealt with, and who did what when. The timeline lies in the state folder of each host that takes part, and in
// every repository: signed entries that form a graph, merged when they are read.
export { adviseFreeze, type FreezeAdvice } from './advise-freeze.ts';
export { type Attachment, attachmentOf } from './attachments.ts';
export {
  type ChecklistItem,
  type ChecklistPhase,
  checklistTasks,
  findTask,
} from './checklist.ts';
export type { IncidentRepository } from './courier.ts';
export { type IncidentEntry, nameOfEntry } from './entry.ts';
export type { Incident, IncidentChanges, IncidentStatus, NewIncident } from './incident.ts';
export { statusNames } from './incident.ts';
export { incidentsIn } from './incidents-in.ts';
export type { FindingKind, IncidentFinding } from './judge-places.ts';
export { lossTypeNames, lossTypes, parseLossType } from './loss-type.ts';
export {
  type Delivery,
  type Incidents,
  type IncidentsOptions,
  type NewAttachment,
  openIncidents,
} from './open-incidents.ts';
export {
  type Extent,
  extentNames,
  extents,
  proposeSeverity,
} from './propose-severity.ts';
export { parseSeverity, severities, severityNames } from './severity.ts';
export type { Verification, WriterFacts } from './verify-incident.ts';
