import {
  type Cipheriv,
  createCipheriv,
  createDecipheriv,
  createSecretKey,
  type KeyObject,
  randomFillSync,
  timingSafeEqual,
} from 'node:crypto';
import { LifeboatError } from '../../core/index.ts';
import { poly1305 } from './poly1305.ts';

/** A key of restic's envelope: AES-256 key, and Poly1305-AES key as (k, r). */
export interface EnvelopeKey {
  readonly encrypt: Uint8Array;
  readonly macK: Uint8Array;
  readonly macR: Uint8Array;
}

const ivBytes = 16;
const tagBytes = 16;
/** How many bytes longer a sealed text is than the plain one. */
export const envelopeOverhead = ivBytes + tagBytes;

/**
 * IV || AES-256-CTR(plain) || Poly1305-AES(ciphertext) under a fresh random IV: restic's envelope (its design
 * document, "Keys, Encryption and MAC"). It authenticates neither the name nor the kind of what it holds.
 */
export function seal(key: EnvelopeKey, plain: Uint8Array): Uint8Array {
  const sealed = new Uint8Array(plain.length + envelopeOverhead);
  sealInto(key, plain, sealed);
  return sealed;
}

/** As `seal`, into the first `plain.length + envelopeOverhead` bytes of `target`. */
export function sealInto(key: EnvelopeKey, plain: Uint8Array, target: Uint8Array): void {
  const prepared = prepare(key);
  const iv = target.subarray(0, ivBytes);
  iv.set(freshIv());
  const cipher = createCipheriv('aes-256-ctr', prepared.encrypt, iv);
  const ciphertext = cipher.update(plain);
  target.set(ciphertext, ivBytes);
  const tag = poly1305(key.macR, oneTimePad(prepared, iv), ciphertext);
  target.set(tag, ivBytes + ciphertext.length);
}

/**
 * The plain bytes, after the MAC was found right. `subject` names what was read, for the error.
 * Errors: `repository.damaged`.
 */
export function open(key: EnvelopeKey, sealed: Uint8Array, subject = 'sealed bytes'): Uint8Array {
  const prepared = prepare(key);
  if (sealed.length < envelopeOverhead) {
    throw new LifeboatError('repository.damaged', `${subject}: too short to be sealed bytes`);
  }
  const iv = sealed.subarray(0, ivBytes);
  const ciphertext = sealed.subarray(ivBytes, sealed.length - tagBytes);
  const tag = poly1305(key.macR, oneTimePad(prepared, iv), ciphertext);
  if (!timingSafeEqual(tag, sealed.subarray(sealed.length - tagBytes))) {
    throw new LifeboatError('repository.damaged', `${subject}: the MAC does not match`);
  }
  return createDecipheriv('aes-256-ctr', prepared.encrypt, iv).update(ciphertext);
}

/** The `s` of Poly1305-AES for each of several IVs, 16 bytes each. */
export function oneTimePads(key: EnvelopeKey, ivs: Uint8Array): Uint8Array {
  return prepare(key).pad.update(ivs);
}

interface PreparedKey {
  readonly encrypt: KeyObject;
  /** ECB over single blocks is the AES of Poly1305-AES; one long-lived cipher costs a tenth of a new one. */
  readonly pad: Cipheriv;
}

const preparedKeys = new WeakMap<EnvelopeKey, PreparedKey>();

function prepare(key: EnvelopeKey): PreparedKey {
  let prepared = preparedKeys.get(key);
  if (prepared === undefined) {
    const pad = createCipheriv('aes-128-ecb', key.macK, null).setAutoPadding(false);
    prepared = { encrypt: createSecretKey(key.encrypt), pad };
    preparedKeys.set(key, prepared);
  }
  return prepared;
}

function oneTimePad(key: PreparedKey, iv: Uint8Array): Uint8Array {
  return key.pad.update(iv);
}

// Random bytes are drawn 256 IVs at a time: a call per IV costs as much as sealing a small blob.
const ivPool = new Uint8Array(256 * ivBytes);
let ivPoolAt = ivPool.length;

function freshIv(): Uint8Array {
  if (ivPoolAt === ivPool.length) {
    randomFillSync(ivPool);
    ivPoolAt = 0;
  }
  ivPoolAt += ivBytes;
  return ivPool.subarray(ivPoolAt - ivBytes, ivPoolAt);
}
