import { createHmac } from 'node:crypto';

/** `NAME=value` pairs as names with the HMAC-SHA-256 of the value, sorted by name: whether it changed, not what it is. */
export function hashEnvironment(
  pairs: readonly string[],
  salt: Uint8Array,
): Readonly<Record<string, string>> {
  const hashed = pairs.map((pair): [string, string] => {
    const split = pair.indexOf('=');
    const [name, value] = split === -1 ? [pair, ''] : [pair.slice(0, split), pair.slice(split + 1)];
    return [name, createHmac('sha256', salt).update(value).digest('hex')];
  });
  return Object.fromEntries(hashed.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
}
