import { readFileSync } from 'node:fs';

/** How long the machine is up. Nobody sets this clock, and it goes on while the machine sleeps. */
export interface BootTime {
  /** Of this boot. */
  readonly boot: string;
  readonly uptimeMs: number;
}

/** Undefined where the system does not tell: proc(5) of Linux. */
export function bootTime(): BootTime | undefined {
  const boot = bootId();
  if (boot === undefined) return undefined;
  try {
    const seconds = Number.parseFloat(readFileSync('/proc/uptime', 'utf8'));
    return Number.isFinite(seconds) ? { boot, uptimeMs: Math.round(seconds * 1000) } : undefined;
  } catch {
    return undefined;
  }
}

/** The same for all processes until the machine is booted anew. */
export function bootId(): string | undefined {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return undefined;
  }
}

/** Milliseconds since `then`, by the clock that nobody sets; undefined: of another boot or machine. */
export function sinceThen(then: Partial<BootTime>): number | undefined {
  const now = bootTime();
  if (now === undefined || then.uptimeMs === undefined || then.boot !== now.boot) return undefined;
  return Math.max(0, now.uptimeMs - then.uptimeMs);
}
