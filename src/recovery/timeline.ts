/** What the parts of a recovery tell about what they do; an incident keeps it, signed. Everything here is seen by people: no secrets. */
export interface TimelineEntry {
  /** `freeze.service-stopped`, `run.step-done`, `approval.given`: stable, in `--json` and in reports. */
  readonly event: string;
  /** One sentence, past tense: `stopped the service api (docker on web-1)`. */
  readonly text: string;
  readonly source?: string;
  readonly durationMs?: number;
  readonly data?: Readonly<Record<string, unknown>>;
  /** A text that is too large for an entry, such as a damage report: kept beside it, under its hash. */
  readonly attachment?: { readonly name: string; readonly text: string };
}

/** Resolves when the entry is durable in the local state folder; who, where and when are added by the writer. Errors: `disk.full`, `file.unreadable`. */
export type Tell = (entry: TimelineEntry) => Promise<void>;
