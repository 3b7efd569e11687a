import { createHmac } from 'node:crypto';
import { concealSecretArguments } from '../core/index.ts';

/**
 * A command line for a record: what looks like a secret in it is replaced by a salted hash, which tells whether it changed and not what
 * it is.
 */
export function concealArguments(args: readonly string[], salt: Uint8Array): readonly string[] {
  return concealSecretArguments(args, (value) => {
    return `[hidden ${createHmac('sha256', salt).update(value).digest('hex').slice(0, 16)}]`;
  });
}
