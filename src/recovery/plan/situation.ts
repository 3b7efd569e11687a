/** What has happened to a source, in the words of those who are called at night. The gravest first. */
export const situations = [
  'intrusion',
  'host-lost',
  'data-gone',
  'corrupted',
  'migration-failed',
  'database-dropped',
  'moment-named',
  'table-dropped',
  'part-corrupted',
  'rows-overwritten',
  'rows-deleted',
  'rows-missing',
  'files-damaged',
  'server-down',
  'deploy-wrong',
  'backups-bad',
] as const;

export type Situation = (typeof situations)[number];

/** A situation, and what shows it. */
export interface SeenSituation {
  readonly situation: Situation;
  readonly source: string;
  /** One sentence, lower case, no full stop. */
  readonly evidence: string;
}
