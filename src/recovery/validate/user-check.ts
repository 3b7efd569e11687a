/** What a user wants to hold: a query that gives one value, and rules for it. */
export interface UserCheck {
  readonly name: string;
  readonly sql: string;
  /** Default: the database of the source's connection. */
  readonly database: string;
  readonly atLeast?: number;
  readonly atMost?: number;
  readonly equals?: number | string | boolean;
  /** Share, from 0 to 1, that the value may be below that of the last proof that passed. */
  readonly dropAtMost?: number;
  readonly notOlderThanMs?: number;
}
