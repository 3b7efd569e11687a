import { createHash } from 'node:crypto';

/** Longer names would be cut off by the server, in silence. */
const nameBytesMax = 63;

/** `filling`: half there; `lifeboat`: complete, beside the one in use; `former`: what was in use; `trial`: a copy to be tried. */
export type Role = 'filling' | 'lifeboat' | 'former' | 'trial';

/** The name of a database of a delivery: always the same for the same one. */
export function nameFor(database: string, role: Role, token: string): string {
  const ending = endingOf(role, token);
  const whole = `${database}${ending}`;
  if (Buffer.byteLength(whole) <= nameBytesMax) return whole;
  const hash = createHash('sha256').update(database).digest('hex').slice(0, 6);
  const room = nameBytesMax - Buffer.byteLength(ending) - hash.length;
  let begin = database;
  while (Buffer.byteLength(begin) > room) begin = [...begin].slice(0, -1).join('');
  return `${begin}${hash}${ending}`;
}

export function endingOf(role: Role, token: string): string {
  return `_${role}_${token}`;
}
