import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';

/** This machine, as `PlatformIdentity.machines` names it; none where it has no id. */
export async function machinesOfHost(): Promise<readonly string[]> {
  return machinesOf(await readFile('/etc/machine-id', 'utf8').catch(() => ''));
}

/** By the content of its `/etc/machine-id`: not what stands there before the first boot, nor the name that stands in for it. */
export function machinesOf(id: string): readonly string[] {
  return /^[0-9a-f]{32}$/.test(id.trim()) ? [`machine ${id.trim()}`] : [];
}

/** Of an engine of Docker: its id, and this machine where it is reached by a socket of it. */
export async function machinesOfEngine(id: string, endpoint: string): Promise<readonly string[]> {
  const isHere = endpoint.startsWith('unix://');
  return [`docker-engine ${id}`, ...(isHere ? await machinesOfHost() : [])];
}

/** By the UID of its namespace `kube-system`. */
export function machinesOfCluster(uid: string): readonly string[] {
  return [`kubernetes ${uid}`];
}

/** This host among all others: its machine id where it has one, and its name, since cloned machines share the former. */
export async function fingerprintOfHost(...more: readonly string[]): Promise<string> {
  const machine = await readFile('/etc/machine-id', 'utf8').catch(() => '');
  return createHash('sha256')
    .update(JSON.stringify([machine.trim(), hostname(), ...more]))
    .digest('hex')
    .slice(0, 32);
}
