/** What was seen when a location was tried, for `init` and `doctor`. `undefined`: it could not be found out. */
export interface LocationAbilities {
  /** A file that exists is not replaced when that is asked for, also with two writers at once. */
  readonly conditionalWrites: boolean | undefined;
  /** Overwriting and removing keep the former version. */
  readonly versioning: boolean | undefined;
  /** Versions can be kept from being removed for a time. */
  readonly objectLock: boolean | undefined;
  /** The place retains every new file for that long by itself, also restic's locks. */
  readonly defaultRetentionDays?: number | undefined;
  /** Facts that the user should know, each with what to do. */
  readonly remarks: readonly { readonly fact: string; readonly remedy: string }[];
}
