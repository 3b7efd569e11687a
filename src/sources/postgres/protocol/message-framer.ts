import { LifeboatError } from '../../../core/index.ts';

const headerBytes = 5;
/** Walsenders send at most 128 KiB in one message; rows and errors are far smaller. */
const messageBytesMax = 16 * 2 ** 20;

/**
 * Cuts a byte stream into backend messages: u8 type, i32 length (counting itself), body. A message that lies whole in
 * one chunk is a view on that chunk; only one that crosses chunks is copied. After `next()` said true, `type` and
 * `body` hold until the next call of `next` or `push`.
 */
export class MessageFramer {
  type = 0;
  body: Buffer = Buffer.alloc(0);
  #chunk: Buffer = Buffer.alloc(0);
  #at = 0;
  #carry: Buffer = Buffer.alloc(1024);
  #carried = 0;

  /** The former chunk must have been used up: call `next` until it says false. */
  push(chunk: Buffer): void {
    this.#chunk = chunk;
    this.#at = 0;
  }

  /** True when there is one more whole message. */
  next(): boolean {
    if (this.#carried > 0) return this.#nextFromCarry();
    const available = this.#chunk.length - this.#at;
    if (available >= headerBytes) {
      const size = 1 + checkedLength(this.#chunk, this.#at);
      if (available >= size) {
        this.type = this.#chunk[this.#at] as number;
        this.body = this.#chunk.subarray(this.#at + headerBytes, this.#at + size);
        this.#at += size;
        return true;
      }
    }
    if (available > 0) this.#fillCarry(available);
    return false;
  }

  #nextFromCarry(): boolean {
    if (this.#carried < headerBytes) this.#fillCarry(headerBytes - this.#carried);
    if (this.#carried < headerBytes) return false;
    const size = 1 + checkedLength(this.#carry, 0);
    this.#fillCarry(size - this.#carried);
    if (this.#carried < size) return false;
    this.type = this.#carry[0] as number;
    this.body = this.#carry.subarray(headerBytes, size);
    this.#carried = 0;
    return true;
  }

  /** Takes up to `wanted` bytes of the chunk; memory grows with what arrived, not with what a header claims. */
  #fillCarry(wanted: number): void {
    const taken = Math.min(wanted, this.#chunk.length - this.#at);
    const needed = this.#carried + taken;
    if (needed > this.#carry.length) {
      const grown = Buffer.allocUnsafe(Math.max(needed, this.#carry.length * 2));
      this.#carry.copy(grown, 0, 0, this.#carried);
      this.#carry = grown;
    }
    this.#chunk.copy(this.#carry, this.#carried, this.#at, this.#at + taken);
    this.#at += taken;
    this.#carried += taken;
  }
}

function checkedLength(bytes: Buffer, at: number): number {
  const length = bytes.readInt32BE(at + 1);
  if (length < 4 || length > messageBytesMax) {
    throw new LifeboatError('postgres.protocol', `the server sent a message of ${length} bytes`, {
      hint: 'See whether a PostgreSQL server, and not something else, listens on that port.',
      context: { type: bytes[at] as number, length },
    });
  }
  return length;
}
