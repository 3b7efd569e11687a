import {
  type Cipheriv,
  createCipheriv,
  createDecipheriv,
  createSecretKey,
  type Decipheriv,
  randomBytes,
  timingSafeEqual,
} from 'node:crypto';
import { type EnvelopeKey, envelopeOverhead, oneTimePads } from '../crypto/envelope.ts';
import { addToPoly1305, beginPoly1305, endPoly1305, poly1305 } from '../crypto/poly1305.ts';
import { damaged } from '../format/json-shape.ts';

const blockBytes = 16;
/** What `malloc` gives again without asking the system, and the second cache holds. */
const sliceBytes = 64 * 1024;
const zeros = Buffer.alloc(blockBytes);

/**
 * restic's envelope for the blobs of one pack, by one long-lived AES-CTR stream. The counter starts at 16 random bytes; each blob
 * begins at a whole block, and the counter there is its IV. So no counter is used twice within the pack, and two
 * packs of 2^20 blocks meet with a chance of 2^-107: no more than two of restic's own random IVs do.
 */
export class PackCipher {
  readonly #key: EnvelopeKey;
  readonly #counter = randomBytes(blockBytes);
  readonly #cipher: Cipheriv;
  /** Reads back what was sealed, in the same order. */
  readonly #decipher: Decipheriv;
  #opened = new Uint8Array(0);

  constructor(key: EnvelopeKey) {
    this.#key = key;
    const secret = createSecretKey(key.encrypt);
    this.#cipher = createCipheriv('aes-256-ctr', secret, this.#counter);
    this.#decipher = createDecipheriv('aes-256-ctr', secret, this.#counter);
  }

  /** Fills `target`, which is `plain.length + envelopeOverhead` long. Slice by slice, while it is in the processor's cache. */
  seal(plain: Uint8Array, target: Uint8Array): void {
    target.set(this.#counter);
    beginPoly1305(this.#key.macR, oneTimePads(this.#key, this.#counter));
    for (let at = 0; at < plain.length; at += sliceBytes) {
      const turned = inWholeBlocks(this.#cipher, plain.subarray(at, at + sliceBytes));
      target.set(turned, blockBytes + at);
      addToPoly1305(turned);
    }
    target.set(endPoly1305(), blockBytes + plain.length);
    this.#count(Math.ceil(plain.length / blockBytes));
  }

  /** The plain bytes of what `seal` made last, a view that the next call overwrites. Errors: `repository.damaged`. */
  openLast(sealed: Uint8Array): Uint8Array {
    const ciphertext = sealed.subarray(blockBytes, sealed.length - (envelopeOverhead - blockBytes));
    if (this.#opened.length < ciphertext.length) this.#opened = new Uint8Array(ciphertext.length);
    beginPoly1305(this.#key.macR, oneTimePads(this.#key, sealed.subarray(0, blockBytes)));
    for (let at = 0; at < ciphertext.length; at += sliceBytes) {
      const slice = ciphertext.subarray(at, at + sliceBytes);
      addToPoly1305(slice);
      this.#opened.set(inWholeBlocks(this.#decipher, slice), at);
    }
    const tag = endPoly1305();
    if (!timingSafeEqual(tag, sealed.subarray(sealed.length - tag.length))) {
      throw damaged('a blob just sealed: the MAC does not match');
    }
    return this.#opened.subarray(0, ciphertext.length);
  }

  /** Turns whole blocks that hold several blobs, each at a whole block; `authenticate` completes them. */
  sealBlocks(blocks: Uint8Array): Uint8Array {
    return this.#cipher.update(blocks);
  }

  /** Reads back what `sealBlocks` turned last. */
  openBlocks(blocks: Uint8Array): Uint8Array {
    return this.#decipher.update(blocks);
  }

  /** Adds IVs and tags to the ciphertexts of the last `sealBlocks`, which were `blocks` long together. */
  authenticate(spans: readonly SealedSpan[], blocks: number): void {
    let at = 0;
    for (const { block, envelope } of spans) {
      this.#count(block - at);
      at = block;
      envelope.set(this.#counter);
    }
    this.#count(blocks - at);
    this.#tags(spans, (tag, { envelope }) => envelope.set(tag, envelope.length - tag.length));
  }

  /** Errors: `repository.damaged`. */
  requireAuthentic(spans: readonly SealedSpan[]): void {
    this.#tags(spans, (tag, { envelope }) => {
      if (Buffer.compare(tag, envelope.subarray(envelope.length - tag.length)) === 0) return;
      throw damaged('a blob just sealed: the MAC does not match');
    });
  }

  #tags(spans: readonly SealedSpan[], use: (tag: Uint8Array, span: SealedSpan) => void): void {
    const ivs = new Uint8Array(spans.length * blockBytes);
    for (const [number, { envelope }] of spans.entries()) {
      ivs.set(envelope.subarray(0, blockBytes), number * blockBytes);
    }
    const pads = oneTimePads(this.#key, ivs);
    for (const [number, span] of spans.entries()) {
      const { envelope } = span;
      const text = envelope.subarray(blockBytes, envelope.length - blockBytes);
      const pad = pads.subarray(number * blockBytes, (number + 1) * blockBytes);
      use(poly1305(this.#key.macR, pad, text), span);
    }
  }

  #count(blocks: number): void {
    const counter = this.#counter;
    let carry = blocks;
    for (let at = blockBytes - 1; at >= 0 && carry > 0; at--) {
      carry += counter[at] as number;
      counter[at] = carry % 256;
      carry = Math.floor(carry / 256);
    }
  }
}

/** A whole envelope in a pack, and at which block of the last `sealBlocks` it begins. */
export interface SealedSpan {
  readonly block: number;
  readonly envelope: Uint8Array;
}

/** Turns `bytes` and moves the stream on to the next whole block. */
function inWholeBlocks(stream: Cipheriv | Decipheriv, bytes: Uint8Array): Uint8Array {
  const { buffer, byteOffset, length } = bytes;
  const whole = Math.ceil(length / blockBytes) * blockBytes;
  if (whole === length) return stream.update(bytes);
  if (byteOffset + whole <= buffer.byteLength) {
    // One call instead of two: what lies behind is turned as well, and thrown away.
    return stream.update(new Uint8Array(buffer, byteOffset, whole)).subarray(0, length);
  }
  const turned = stream.update(bytes);
  stream.update(zeros.subarray(0, whole - length));
  return turned;
}
