import { envelopeOverhead } from '../crypto/envelope.ts';
import { verifyReadBack } from './blob-codec.ts';
import type { PackCipher } from './pack-cipher.ts';

/** Larger blobs are sealed one by one: for them a call costs nothing. */
const maxStoredBytes = 32 * 1024;
const maxPlainBytes = 128 * 1024;
const stageBytes = 128 * 1024;
const plainBytes = 512 * 1024;
const blockBytes = 16;

/** A blob that waits to be sealed. */
interface Item {
  /** Where in the pack its envelope begins. */
  readonly at: number;
  readonly stageAt: number;
  readonly storedLength: number;
  readonly plainAt: number;
  readonly plainLength: number;
  readonly uncompressedLength: number;
}

/**
 * Small blobs that are sealed, read back and compared together: calls of OpenSSL cost as much as some KiB of their work. Each
 * frame lies at a whole block, so that one call turns them all.
 */
export class SealBatch {
  readonly #stage = Buffer.from(new ArrayBuffer(stageBytes));
  readonly #back = Buffer.from(new ArrayBuffer(stageBytes));
  readonly #plains = Buffer.from(new ArrayBuffer(plainBytes));
  #items: Item[] = [];
  #staged = 0;
  #plain = 0;

  static takes(stored: Uint8Array, plain: Uint8Array): boolean {
    return stored.length <= maxStoredBytes && plain.length <= maxPlainBytes;
  }

  fits(stored: Uint8Array, plain: Uint8Array): boolean {
    return (
      this.#staged + stored.length + blockBytes <= stageBytes &&
      this.#plain + plain.length <= plainBytes
    );
  }

  /** Copies both. */
  add(at: number, stored: Uint8Array, plain: Uint8Array, uncompressedLength: number): void {
    this.#stage.set(stored, this.#staged);
    this.#plains.set(plain, this.#plain);
    this.#items.push({
      at,
      stageAt: this.#staged,
      storedLength: stored.length,
      plainAt: this.#plain,
      plainLength: plain.length,
      uncompressedLength,
    });
    this.#staged += Math.ceil(stored.length / blockBytes) * blockBytes;
    this.#plain += plain.length;
  }

  /** Puts the envelopes into the pack. Errors: `repository.damaged` when one read back differs. */
  seal(cipher: PackCipher, pack: Uint8Array): void {
    if (this.#items.length === 0) return;
    const items = this.#items;
    const bytes = this.#staged;
    const turned = cipher.sealBlocks(this.#stage.subarray(0, bytes));
    const spans = items.map(({ at, stageAt, storedLength }) => ({
      block: stageAt / blockBytes,
      envelope: pack.subarray(at, at + storedLength + envelopeOverhead),
    }));
    for (const [number, { stageAt, storedLength }] of items.entries()) {
      const { envelope } = spans[number] as (typeof spans)[number];
      envelope.set(turned.subarray(stageAt, stageAt + storedLength), blockBytes);
    }
    cipher.authenticate(spans, bytes / blockBytes);
    // From here on only what is in the pack counts.
    cipher.requireAuthentic(spans);
    for (const [number, { stageAt, storedLength }] of items.entries()) {
      const { envelope } = spans[number] as (typeof spans)[number];
      this.#back.set(envelope.subarray(blockBytes, blockBytes + storedLength), stageAt);
    }
    const opened = cipher.openBlocks(this.#back.subarray(0, bytes));
    for (const { stageAt, storedLength, plainAt, plainLength, uncompressedLength } of items) {
      const stored = opened.subarray(stageAt, stageAt + storedLength);
      const plain = this.#plains.subarray(plainAt, plainAt + plainLength);
      verifyReadBack(stored, uncompressedLength, plain);
    }
    this.#items = [];
    this.#staged = 0;
    this.#plain = 0;
  }
}
