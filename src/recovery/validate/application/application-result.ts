/** What became of one check of a service, for reports and `--json`. No secrets, and nothing of an answer but what was looked for. */
export interface ApplicationResult {
  readonly check: string;
  readonly verdict: 'passed' | 'failed' | 'not-checked';
  /** What was found, in words: `answered 200 in 12 ms`. */
  readonly fact: string;
  readonly durationMs: number;
}

/** What one kind of check says: it holds, or why not. */
export type Finding =
  | { readonly holds: true; readonly fact: string }
  | { readonly holds: false; readonly fact: string };

export const holds = (fact: string): Finding => ({ holds: true, fact });
export const fails = (fact: string): Finding => ({ holds: false, fact });
