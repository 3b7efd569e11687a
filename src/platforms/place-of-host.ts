import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';

/** This host among all others: its machine id where it has one, and its name, since cloned machines share the former. */
export async function fingerprintOfHost(...more: readonly string[]): Promise<string> {
  const machine = await readFile('/etc/machine-id', 'utf8').catch(() => '');
  return createHash('sha256')
    .update(JSON.stringify([machine.trim(), hostname(), ...more]))
    .digest('hex')
    .slice(0, 32);
}
