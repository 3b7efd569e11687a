import type { LossType, Severity } from '../config/index.ts';
import type { ChecklistItem } from './checklist.ts';
import type { Extent } from './propose-severity.ts';

export type IncidentStatus = 'investigating' | 'recovering' | 'monitoring' | 'resolved' | 'closed';

export const statusNames: readonly IncidentStatus[] = [
  'investigating',
  'recovering',
  'monitoring',
  'resolved',
  'closed',
];

/** What is known of an incident, from all of its entries. */
export interface Incident {
  readonly id: string;
  readonly title: string;
  readonly severity: Severity;
  readonly status: IncidentStatus;
  readonly lossType?: LossType;
  readonly extent?: Extent;
  /** What it is about. */
  readonly sources: readonly string[];
  /** Of these: nobody named them, a recovery found them damaged. What is said of the incident was not said of them. */
  readonly addedSources: readonly string[];
  /** Accounts or names. */
  readonly lead?: string;
  readonly assignees: readonly string[];
  readonly openedAt: Date;
  readonly openedBy: string;
  readonly openedOn: string;
  /** When somebody has to work on it. */
  readonly respondBy: Date;
  /** When somebody did: the first entry after the opening. */
  readonly respondedAt?: Date;
  /** When those who wait are to hear the next news; undefined once it is resolved. */
  readonly nextUpdateDue?: Date;
  readonly closedAt?: Date;
  /** What it was in the end. */
  readonly summary?: string;
  readonly checklist: readonly ChecklistItem[];
  readonly entries: number;
  readonly lastEntryAt: Date;
}

/** What the opening says. */
export interface NewIncident {
  readonly title: string;
  readonly severity: Severity;
  readonly lossType?: LossType;
  readonly extent?: Extent;
  readonly sources?: readonly string[];
  readonly lead?: string;
}

/** What an update changes; what is absent stays. */
export interface IncidentChanges {
  readonly title?: string;
  readonly severity?: Severity;
  readonly status?: Exclude<IncidentStatus, 'closed'>;
  readonly lossType?: LossType;
  readonly extent?: Extent;
  /** All of them. */
  readonly sources?: readonly string[];
  /** Besides those that it has, by a recovery. */
  readonly addedSources?: readonly string[];
  readonly lead?: string;
  readonly assignees?: readonly string[];
  readonly nextUpdateDue?: Date;
  /** Items of the checklist, by id: done, or open again. */
  readonly checklist?: Readonly<Record<string, boolean>>;
}
