/** One entry of a timeline, as one writer signed it. Never changed, never removed. */
export interface IncidentEntry {
  /** SHA-256 of the signed text, hex. */
  readonly id: string;
  readonly incident: string;
  /** Public Ed25519 key of the host that wrote it, hex. */
  readonly writer: string;
  /** 1, 2, 3 ... of this writer in this incident. */
  readonly sequence: number;
  /** Id of this writer's entry before, or `''`. */
  readonly previous: string;
  /** Ids of entries of others that the writer knew, and that no entry it knew had named. */
  readonly heads: readonly string[];
  /** Of the writer's clock. */
  readonly time: Date;
  readonly actor: string;
  readonly host: string;
  /** `incident.opened`, `freeze.service-stopped`: stable. */
  readonly event: string;
  /** One sentence, past tense. */
  readonly text: string;
  readonly source?: string;
  readonly durationMs?: number;
  readonly data?: Readonly<Record<string, unknown>>;
}

/** An entry with the text that was signed: what is stored and sent. */
export interface SignedEntry {
  readonly entry: IncidentEntry;
  readonly text: string;
}

/** What a writer says; the rest is added where it is signed. */
export type EntryContent = Pick<
  IncidentEntry,
  'actor' | 'host' | 'event' | 'text' | 'source' | 'durationMs' | 'data'
>;

/** `7 of web-1`, for people. */
export function nameOfEntry({ sequence, host }: IncidentEntry): string {
  return `entry ${sequence} of ${host}`;
}
