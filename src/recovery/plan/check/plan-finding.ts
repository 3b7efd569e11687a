/** What a check of a plan found. */
export interface PlanFinding {
  /** Public: stands in `--json`. */
  readonly check:
    | 'answered'
    | 'order'
    | 'approvals'
    | 'services'
    | 'places'
    | 'repository'
    | 'restore-point'
    | 'moment'
    | 'proof'
    | 'programs'
    | 'room'
    | 'ground'
    | 'intrusion'
    | 'step'
    | 'changed';
  /** `problem`: the plan cannot be carried out as it is. */
  readonly outcome: 'ok' | 'warning' | 'problem';
  readonly step?: string;
  /** What is the case. */
  readonly fact: string;
  /** What to do, word for word where possible. Empty when ok. */
  readonly remedy: string;
}

export function ok(check: PlanFinding['check'], fact: string): PlanFinding {
  return { check, outcome: 'ok', fact, remedy: '' };
}

export function warning(check: PlanFinding['check'], fact: string, remedy: string): PlanFinding {
  return { check, outcome: 'warning', fact, remedy };
}

export function problem(check: PlanFinding['check'], fact: string, remedy: string): PlanFinding {
  return { check, outcome: 'problem', fact, remedy };
}
