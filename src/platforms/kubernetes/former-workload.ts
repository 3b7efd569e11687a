/** What the state of a workload holds for `restore`. JSON. */
export type FormerWorkload = FormerAbsence | FormerReplicas | FormerSuspension;

export interface FormerAbsence {
  readonly isAbsent: true;
}

export interface FormerReplicas extends Marked {
  readonly replicas: number;
}

export interface FormerSuspension extends Marked {
  readonly suspend: boolean;
}

interface Marked {
  /** Annotations of an earlier stop, which are there again when what came on top of it is taken back. */
  readonly marks: Readonly<Record<string, string>>;
}
