import { LifeboatError } from '../../../core/index.ts';
import { type Lsn, parseLsn } from '../../../wal/index.ts';

/** Type bytes of the messages a server sends in replication mode (PostgreSQL protocol 3.0). */
export const Backend = {
  authentication: 0x52, // R
  backendKeyData: 0x4b, // K
  commandComplete: 0x43, // C
  copyBothResponse: 0x57, // W
  copyData: 0x64, // d
  copyDone: 0x63, // c
  copyInResponse: 0x47, // G
  copyOutResponse: 0x48, // H
  dataRow: 0x44, // D
  emptyQuery: 0x49, // I
  error: 0x45, // E
  negotiateVersion: 0x76, // v
  notice: 0x4e, // N
  notification: 0x41, // A
  parameterStatus: 0x53, // S
  readyForQuery: 0x5a, // Z
  rowDescription: 0x54, // T
} as const;

/** True for what a server may send at any moment and what no exchange has to care about. */
export function isAside(type: number): boolean {
  return (
    type === Backend.notice || type === Backend.parameterStatus || type === Backend.notification
  );
}

export function unexpected(type: number, during: string): LifeboatError {
  const shown = type > 32 && type < 127 ? String.fromCharCode(type) : `0x${type.toString(16)}`;
  return new LifeboatError(
    'postgres.protocol',
    `the server sent message ${shown} during ${during}`,
    { context: { type } },
  );
}

/** Column names of a RowDescription. */
export function readColumns(body: Buffer): string[] {
  const reader = new BodyReader(body);
  return Array.from({ length: reader.count() }, () => {
    const name = reader.text();
    reader.skip(18);
    return name;
  });
}

/** Values of a DataRow in text format. */
export function readRow(body: Buffer): (string | null)[] {
  const reader = new BodyReader(body);
  return Array.from({ length: reader.count() }, () => reader.value());
}

/** Field code -> text of an ErrorResponse or NoticeResponse. */
export function readFields(body: Buffer): ReadonlyMap<string, string> {
  const reader = new BodyReader(body);
  const fields = new Map<string, string>();
  for (let code = reader.byte(); code !== 0; code = reader.byte()) {
    fields.set(String.fromCharCode(code), reader.text());
  }
  return fields;
}

/** A WAL position in a result. */
export function readLsn(text: string): Lsn {
  try {
    return parseLsn(text);
  } catch (cause) {
    throw new LifeboatError('postgres.protocol', 'the server sent a WAL position that is wrong', {
      cause,
    });
  }
}

/** Reads a body from its start; anything beyond its end is `postgres.protocol`. */
export class BodyReader {
  #at = 0;
  readonly #body: Buffer;

  constructor(body: Buffer) {
    this.#body = body;
  }

  byte(): number {
    return this.#body[this.#advance(1)] as number;
  }

  count(): number {
    const count = this.#body.readInt16BE(this.#advance(2));
    if (count < 0) throw truncated();
    return count;
  }

  int32(): number {
    return this.#body.readInt32BE(this.#advance(4));
  }

  skip(bytes: number): void {
    this.#advance(bytes);
  }

  text(): string {
    const end = this.#body.indexOf(0, this.#at);
    if (end < 0) throw truncated();
    const text = this.#body.toString('utf8', this.#at, end);
    this.#at = end + 1;
    return text;
  }

  value(): string | null {
    const length = this.int32();
    if (length === -1) return null;
    if (length < 0) throw truncated();
    const start = this.#advance(length);
    return this.#body.toString('utf8', start, start + length);
  }

  rest(): Buffer {
    return this.#body.subarray(this.#at);
  }

  #advance(bytes: number): number {
    const start = this.#at;
    if (start + bytes > this.#body.length) throw truncated();
    this.#at += bytes;
    return start;
  }
}

function truncated(): LifeboatError {
  return new LifeboatError('postgres.protocol', 'the server sent a message that does not parse');
}
