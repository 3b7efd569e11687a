import { createCipheriv, randomBytes } from 'node:crypto';
import type { EnvelopeCalls } from '../native/openssl-envelope.ts';
import { poly1305 } from './poly1305.ts';

const lengths = [0, 1, 15, 16, 17, 100, 4096, 70_001];

/** Whether the calls give what Node and our own Poly1305 give: in place and elsewhere, and with keys that change. */
export function agreesWithNode(calls: EnvelopeCalls): boolean {
  try {
    return lengths.every((length) => agreesAt(calls, length));
  } catch {
    return false;
  }
}

function agreesAt(calls: EnvelopeCalls, length: number): boolean {
  const [key, k, r, iv] = [randomBytes(32), randomBytes(16), randomBytes(16), randomBytes(16)];
  const plain = randomBytes(length);
  const expected = createCipheriv('aes-256-ctr', key, iv).update(plain);
  const turned = Buffer.alloc(length);
  calls.turn(key, iv, plain, turned);
  const tag = Buffer.from(calls.authenticate(k, r, iv, turned));
  const pad = createCipheriv('aes-128-ecb', k, null).setAutoPadding(false).update(iv);
  const isTag = tag.equals(poly1305(r, pad, turned));
  const isTurned = turned.equals(expected);
  calls.turn(key, iv, turned, turned);
  return isTurned && isTag && turned.equals(plain);
}
