import type { StreamMessage } from '../protocol/replication-connection.ts';

type Wal = Pick<StreamMessage, 'start' | 'payload'>;

/** WAL that arrived and is not in the spool yet: what lies end to end is written in one go, and made durable by one sync. */
export class ArrivedWal {
  readonly #runs: { readonly start: Wal['start']; end: bigint; readonly parts: Buffer[] }[] = [];
  #bytes = 0;

  get bytes(): number {
    return this.#bytes;
  }

  /** The payload is copied: it is valid only until its message was handled. */
  add({ start, payload }: Wal): void {
    const end = start + BigInt(payload.length);
    const last = this.#runs.at(-1);
    if (last?.end === start) {
      last.parts.push(Buffer.from(payload));
      last.end = end;
    } else this.#runs.push({ start, end, parts: [Buffer.from(payload)] });
    this.#bytes += payload.length;
  }

  /** The oldest, as far as it goes without a gap. */
  take(): Wal | undefined {
    const run = this.#runs.shift();
    if (run === undefined) return undefined;
    const { start, parts } = run;
    const payload = parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts);
    this.#bytes -= payload.length;
    return { start, payload };
  }
}
