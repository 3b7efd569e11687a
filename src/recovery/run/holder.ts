import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { bootId, steadyNow } from '../../core/index.ts';

/** One process among all that there ever are. */
export interface ProcessMark {
  readonly host: string;
  readonly pid: number;
  /** Start of the process in the kernel's ticks: a number that was given anew is another process. */
  readonly startTicks: string;
  /** Boot of the machine and its space of process numbers; empty where the system does not tell. */
  readonly machine: string;
}

/** Which process drives a run, so that its death can be told from its silence. */
export interface Holder extends ProcessMark {
  readonly actor: string;
  readonly since: string;
}

export function thisProcess(actor: string): Holder {
  return { ...processMark(process.pid), actor, since: steadyNow().toISOString() };
}

/** Of a process of this host that is there. */
export function processMark(pid: number): ProcessMark {
  return { host: hostname(), pid, startTicks: startTicks(pid) ?? '', machine: machine() };
}

/** `unknown`: it runs elsewhere, or where its processes cannot be seen from here (another container). */
export function lifeOf(holder: ProcessMark): 'alive' | 'dead' | 'unknown' {
  const here = machine();
  if (holder.machine === '' || here === '') return 'unknown';
  if (holder.machine !== here) {
    // The same machine after another boot: nothing of then runs any more.
    const [boot, space] = holder.machine.split(' ');
    const [bootNow, spaceNow] = here.split(' ');
    const isSame = holder.host === hostname() && space === spaceNow;
    return isSame && boot !== bootNow ? 'dead' : 'unknown';
  }
  return startTicks(holder.pid) === holder.startTicks ? 'alive' : 'dead';
}

export function describeHolder({ actor, host, pid, since }: Holder): string {
  return `${actor} on ${host} (process ${pid}, since ${since})`;
}

function machine(): string {
  try {
    const boot = bootId();
    return boot === undefined ? '' : `${boot} ${readlinkSync('/proc/self/ns/pid')}`;
  } catch {
    return '';
  }
}

/** Field 22 of proc(5) stat; the name before it may hold spaces and brackets. Undefined: no such process, or one that has ended. */
function startTicks(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19];
  } catch {
    return undefined;
  }
}
