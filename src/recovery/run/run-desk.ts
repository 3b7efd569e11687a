import type { Approval, Step } from '../plan/plan.ts';

/** What a person at the run is asked. */
export type RunQuestion =
  /** May it begin? Allowed with the name typed out where the approval says so. */
  | { readonly kind: 'approval'; readonly step: Step; readonly approval: Approval }
  /** It was begun, nobody saw its end, and looking does not tell. */
  | { readonly kind: 'unclear'; readonly step: Step; readonly what: string }
  /** The commands of the plan would run on this host, which is not where it was opened. */
  | { readonly kind: 'host'; readonly host: string; readonly steps: readonly Step[] };

export type RunAnswer =
  | { readonly answer: 'allow'; readonly typed?: string }
  | { readonly answer: 'decline'; readonly comment: string }
  | { readonly answer: 'was-done' | 'run-again' | 'pause' };

/** Asks whoever sits at the run; undefined: nobody answers here. */
export type RunDesk = (
  question: RunQuestion,
  options: { readonly signal: AbortSignal },
) => Promise<RunAnswer | undefined>;
