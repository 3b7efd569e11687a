import { readFile } from 'node:fs/promises';
import { availableParallelism, loadavg, uptime } from 'node:os';
import type { MemoryState } from './host-damage.ts';

/** Memory and load of this host. */
export async function lookAtMemory(): Promise<MemoryState> {
  const [one = 0, five = 0, fifteen = 0] = loadavg();
  return {
    ...parseMemory(await readFile('/proc/meminfo', 'utf8')),
    load: [one, five, fifteen],
    processors: availableParallelism(),
    upSince: new Date(Date.now() - uptime() * 1000).toISOString(),
  };
}

/** `proc_meminfo(5)`. */
export function parseMemory(text: string): Omit<MemoryState, 'load' | 'processors' | 'upSince'> {
  const bytes = (name: string) => {
    const match = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(text);
    return Number(match?.[1] ?? 0) * 1024;
  };
  return {
    totalBytes: bytes('MemTotal'),
    availableBytes: bytes('MemAvailable'),
    swapTotalBytes: bytes('SwapTotal'),
    swapFreeBytes: bytes('SwapFree'),
  };
}
