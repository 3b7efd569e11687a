import {
  type Cipheriv,
  createCipheriv,
  createDecipheriv,
  createSecretKey,
  type Decipheriv,
  randomBytes,
  timingSafeEqual,
} from 'node:crypto';
import { type EnvelopeKey, envelopeOverhead, oneTimeTag } from '../crypto/envelope.ts';
import { damaged } from '../format/json-shape.ts';

const blockBytes = 16;
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

  constructor(key: EnvelopeKey) {
    this.#key = key;
    const secret = createSecretKey(key.encrypt);
    this.#cipher = createCipheriv('aes-256-ctr', secret, this.#counter);
    this.#decipher = createDecipheriv('aes-256-ctr', secret, this.#counter);
  }

  /** Fills `target`, which is `plain.length + envelopeOverhead` long. */
  seal(plain: Uint8Array, target: Uint8Array): void {
    target.set(this.#counter);
    const ciphertext = inWholeBlocks(this.#cipher, plain);
    target.set(ciphertext, blockBytes);
    const tag = oneTimeTag(this.#key, this.#counter, ciphertext);
    target.set(tag, blockBytes + ciphertext.length);
    this.#count(Math.ceil(plain.length / blockBytes));
  }

  /** The plain bytes of what `seal` made last. Errors: `repository.damaged`. */
  openLast(sealed: Uint8Array): Uint8Array {
    const ciphertext = sealed.subarray(blockBytes, sealed.length - (envelopeOverhead - blockBytes));
    const tag = oneTimeTag(this.#key, sealed.subarray(0, blockBytes), ciphertext);
    if (!timingSafeEqual(tag, sealed.subarray(sealed.length - tag.length))) {
      throw damaged('a blob just sealed: the MAC does not match');
    }
    return inWholeBlocks(this.#decipher, ciphertext);
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
