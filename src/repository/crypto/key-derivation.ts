import { hkdfSync } from 'node:crypto';
import type { EnvelopeKey } from './envelope.ts';

/**
 * Key material that depends on the master key and on `purpose` only (HKDF-SHA256, RFC 5869, empty salt), so that
 * bytes sealed for one purpose never open for another.
 */
export function deriveBytes(master: EnvelopeKey, purpose: string, length: number): Uint8Array {
  const secret = Buffer.concat([master.encrypt, master.macK, master.macR]);
  return new Uint8Array(hkdfSync('sha256', secret, '', `lifeboat 1 ${purpose}`, length));
}

/** An envelope key of its own for `purpose` ("log", "record" ...). */
export function deriveKey(master: EnvelopeKey, purpose: string): EnvelopeKey {
  return keyFromBytes(deriveBytes(master, `envelope ${purpose}`, 64));
}

/** 64 bytes: AES-256 key, Poly1305-AES k, Poly1305-AES r. */
export function keyFromBytes(bytes: Uint8Array): EnvelopeKey {
  return {
    encrypt: new Uint8Array(bytes.subarray(0, 32)),
    macK: new Uint8Array(bytes.subarray(32, 48)),
    macR: new Uint8Array(bytes.subarray(48, 64)),
  };
}
