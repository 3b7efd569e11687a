import {
  type Cipheriv,
  createCipheriv,
  createSecretKey,
  type KeyObject,
  randomFillSync,
  timingSafeEqual,
} from 'node:crypto';
import { isLifeboatError, LifeboatError } from '../../core/index.ts';
import { envelopeCalls } from './envelope-calls.ts';
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

/**
 * As `seal`, into `target`, which is `plain.length + envelopeOverhead` long (or longer) and does not overlap `plain`.
 */
export function sealInto(key: EnvelopeKey, plain: Uint8Array, target: Uint8Array): void {
  const iv = target.subarray(0, ivBytes);
  iv.set(freshIv());
  const ciphertext = target.subarray(ivBytes, ivBytes + plain.length);
  turn(key, iv, plain, ciphertext);
  target.set(authenticator(key, iv, ciphertext), ivBytes + plain.length);
}

/**
 * The plain bytes, after the MAC was found right. `subject` names what was read, for the error.
 * Errors: `repository.damaged`.
 */
export function open(key: EnvelopeKey, sealed: Uint8Array, subject = 'sealed bytes'): Uint8Array {
  const plain = new Uint8Array(Math.max(0, sealed.length - envelopeOverhead));
  openInto(key, sealed, plain, subject);
  return plain;
}

/** Whether it was sealed by this key, and is whole. */
export function isSealedBy(key: EnvelopeKey, sealed: Uint8Array): boolean {
  try {
    open(key, sealed);
    return true;
  } catch (error) {
    if (!isLifeboatError(error, 'repository.damaged')) throw error;
    return false;
  }
}

let scratch = new Uint8Array(0);
/** What is larger gets memory of its own, which is not kept. */
const maxScratchBytes = 16 * 1024 * 1024;

/** As `open`, but a view that the next call overwrites. */
export function openView(key: EnvelopeKey, sealed: Uint8Array, subject?: string): Uint8Array {
  const length = Math.max(0, sealed.length - envelopeOverhead);
  if (length > maxScratchBytes) return open(key, sealed, subject);
  if (scratch.length < length) {
    scratch = new Uint8Array(Math.min(maxScratchBytes, Math.max(64 * 1024, 2 * length)));
  }
  const plain = scratch.subarray(0, length);
  openInto(key, sealed, plain, subject);
  return plain;
}

function openInto(
  key: EnvelopeKey,
  sealed: Uint8Array,
  plain: Uint8Array,
  subject = 'sealed bytes',
): void {
  if (sealed.length < envelopeOverhead) {
    throw new LifeboatError('repository.damaged', `${subject}: too short to be sealed bytes`);
  }
  const iv = sealed.subarray(0, ivBytes);
  const ciphertext = sealed.subarray(ivBytes, sealed.length - tagBytes);
  const tag = authenticator(key, iv, ciphertext);
  if (!timingSafeEqual(tag, sealed.subarray(sealed.length - tagBytes))) {
    throw new LifeboatError('repository.damaged', `${subject}: the MAC does not match`);
  }
  turn(key, iv, ciphertext, plain);
}

/** AES-256-CTR, which is its own inverse. */
function turn(key: EnvelopeKey, iv: Uint8Array, input: Uint8Array, output: Uint8Array): void {
  const native = envelopeCalls(input.length);
  if (native !== undefined) native.turn(key.encrypt, iv, input, output);
  else output.set(createCipheriv('aes-256-ctr', prepare(key).encrypt, iv).update(input));
}

/** A view of 16 bytes that the next call overwrites. */
function authenticator(key: EnvelopeKey, iv: Uint8Array, ciphertext: Uint8Array): Uint8Array {
  const native = envelopeCalls(ciphertext.length);
  if (native !== undefined) return native.authenticate(key.macK, key.macR, iv, ciphertext);
  return poly1305(key.macR, prepare(key).pad.update(iv), ciphertext);
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
