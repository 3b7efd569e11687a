/** A record: a small immutable signed JSON document in the repository. */
export interface LifeboatRecord<Body = unknown> {
  /** SHA-256 of the stored file. */
  readonly id: string;
  /** `catalog`, `proof`, `rescue`, `configuration` ... */
  readonly kind: string;
  /** Name of the source it is about, or `''`. */
  readonly source: string;
  readonly time: Date;
  /** Public Ed25519 key of the writer, hex. */
  readonly writer: string;
  /** 1, 2, 3 ... per writer. */
  readonly sequence: number;
  /** Ids of the records that no other record seen by the writer had named as seen. */
  readonly heads: readonly string[];
  readonly body: Body;
}

/** What is known of who signed records, without reading each. */
export interface RecordWriter {
  /** Public Ed25519 key, hex. */
  readonly writer: string;
  /** How many records it signed, by kind. */
  readonly kinds: ReadonlyMap<string, number>;
  /** The highest sequence it has used. */
  readonly last: number;
  /** How many of 1 to `last` are not here. */
  readonly missing: number;
}

export interface RecordStore {
  /** Durable when it resolves. */
  append(record: { kind: string; source: string; body: unknown }): Promise<LifeboatRecord>;
  /** Oldest first; with `since`, those from then on and the last one before. Verified signatures. A damaged or wrongly signed record is reported through `onDamaged`, never returned. */
  list(filter?: {
    kind?: string;
    source?: string;
    since?: Date;
    onDamaged?: (name: string, problem: string) => void;
  }): Promise<readonly LifeboatRecord[]>;
  /** Everybody who signed a record that is here. */
  writers(): Promise<readonly RecordWriter[]>;
}
