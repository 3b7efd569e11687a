import { sleep } from '../../core/index.ts';
import type { ServiceResources } from '../platform.ts';
import type { SystemdCall, SystemdClient } from './systemd-client.ts';
import { showUnit } from './unit.ts';

const sampleMs = 1_000;

/** What systemd accounts for, over one second; what it does not account for (cgroups differ) is left out. */
export async function unitResources(
  client: SystemdClient,
  unit: string,
  call: SystemdCall,
): Promise<ServiceResources | undefined> {
  const begin = performance.now();
  const first = await sample(client, unit, call);
  await sleep(sampleMs, call.signal);
  const second = await sample(client, unit, call);
  const spanNs = (performance.now() - begin) * 1e6;
  const { memoryBytes } = second;
  const isTimed = first.processorNs !== undefined && second.processorNs !== undefined;
  if (memoryBytes === undefined && !isTimed) return undefined;
  return {
    ...(memoryBytes === undefined ? {} : { memoryBytes }),
    ...(isTimed
      ? { processors: ((second.processorNs as number) - (first.processorNs as number)) / spanNs }
      : {}),
  };
}

async function sample(client: SystemdClient, unit: string, call: SystemdCall) {
  const found = await showUnit(client, unit, 'MemoryCurrent,CPUUsageNSec', call);
  return {
    memoryBytes: counted(found.get('MemoryCurrent')?.[0]),
    processorNs: counted(found.get('CPUUsageNSec')?.[0]),
  };
}

/** `[not set]`, or the largest number there is: not accounted for. */
function counted(text: string | undefined): number | undefined {
  return text === undefined || !/^\d+$/.test(text) || text.length > 19 ? undefined : Number(text);
}
