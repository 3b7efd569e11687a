export type ChecklistPhase = 'detection' | 'investigation' | 'recovery' | 'afterwards';

export interface ChecklistTask {
  readonly id: string;
  readonly phase: ChecklistPhase;
  readonly text: string;
}

export interface ChecklistItem extends ChecklistTask {
  readonly isDone: boolean;
  /** Who ticked it, and when. */
  readonly by?: string;
  readonly at?: Date;
}

/** What has to have been done before an incident is behind everybody, whatever happened. */
export const checklistTasks: readonly ChecklistTask[] = [
  { id: 'classified', phase: 'detection', text: 'the loss is detected and classified' },
  { id: 'scope', phase: 'detection', text: 'a first look at the scope was taken' },
  { id: 'team-notified', phase: 'detection', text: 'the recovery team knows' },
  { id: 'state-preserved', phase: 'detection', text: 'the present state is preserved' },
  { id: 'stakeholders-informed', phase: 'detection', text: 'those who have a stake are informed' },
  { id: 'loss-determined', phase: 'investigation', text: 'what is lost is determined' },
  {
    id: 'backups-verified',
    phase: 'investigation',
    text: 'the backups that are there are verified',
  },
  { id: 'plan-made', phase: 'investigation', text: 'the recovery is planned' },
  { id: 'team-briefed', phase: 'investigation', text: 'everybody knows the plan' },
  { id: 'method-chosen', phase: 'recovery', text: 'the way to recover is chosen' },
  { id: 'data-restored', phase: 'recovery', text: 'the data is restored' },
  { id: 'integrity-verified', phase: 'recovery', text: 'the integrity of the data is verified' },
  { id: 'services-healthy', phase: 'recovery', text: 'all services are healthy' },
  {
    id: 'user-flows',
    phase: 'recovery',
    text: 'what users need most is tried: login, search, orders',
  },
  { id: 'performance', phase: 'recovery', text: 'response times are as before' },
  { id: 'logs-reviewed', phase: 'recovery', text: 'the output of the services shows no errors' },
  { id: 'fresh-backup', phase: 'afterwards', text: 'a fresh backup is made, and proven' },
  {
    id: 'stakeholders-told-end',
    phase: 'afterwards',
    text: 'everybody knows that it is over, and what it cost',
  },
  { id: 'timeline', phase: 'afterwards', text: 'the timeline is complete' },
  { id: 'root-cause', phase: 'afterwards', text: 'the cause is known' },
  { id: 'impact', phase: 'afterwards', text: 'the impact is known: loss, time, users' },
  { id: 'report', phase: 'afterwards', text: 'the report is written (within 24 hours)' },
  { id: 'prevention', phase: 'afterwards', text: 'safeguards against it are in place' },
  { id: 'monitoring', phase: 'afterwards', text: 'alerts would catch it earlier' },
  { id: 'runbook', phase: 'afterwards', text: 'procedures and runbooks are up to date' },
  { id: 'review', phase: 'afterwards', text: 'the review with the team is held' },
  { id: 'drill', phase: 'afterwards', text: 'a drill is scheduled within 30 days' },
];

/** The task that a person means: its id, or a beginning of it that no other has. */
export function findTask(wanted: string): ChecklistTask | undefined {
  const text = wanted.trim().toLowerCase();
  const exact = checklistTasks.find(({ id }) => id === text);
  if (exact) return exact;
  const begun = checklistTasks.filter(({ id }) => id.startsWith(text));
  return text !== '' && begun.length === 1 ? begun[0] : undefined;
}
