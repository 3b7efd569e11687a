import { formatBytes } from '../../../core/index.ts';
import type { DamageFinding } from './damage-finding.ts';
import type { HostDamage } from './host-damage.ts';
import { foundOf } from './part.ts';

const fullShare = 0.02;
const fullBytes = 512 * 2 ** 20;
const fullInodes = 0.01;
const shortMemory = 0.03;
/** Of the kernel, what means that data or the machine is failing. */
const failing =
  /i\/o error|medium error|unrecovered read|ext4-fs error|force_shutdown|corrupt|btrfs (error|critical)|remounting filesystem read-only|machine check|hardware error|controller is down/i;
const killed = /out of memory|oom-kill|killed process/i;

/** What the host shows. */
export function hostFindings(host: HostDamage): readonly DamageFinding[] {
  return [...diskFindings(host), ...memoryFindings(host), ...kernelFindings(host)];
}

function diskFindings({ disks }: HostDamage): readonly DamageFinding[] {
  return (foundOf(disks) ?? []).flatMap((disk): DamageFinding[] => {
    const { mount, holds, isReadOnly, readOnlyBy, freeBytes, sizeBytes } = disk;
    const { inodes = 0, freeInodes = 0 } = disk;
    if (holds.length === 0) return [];
    const what = `${mount} (${holds.join(', ')})`;
    const found: DamageFinding[] = [];
    if (isReadOnly) {
      const isMeant = readOnlyBy === 'mount';
      const text = isMeant
        ? `${what} is mounted read-only, as somebody wanted it`
        : `${what} was made read-only by the kernel after an error`;
      found.push({
        kind: 'disk-read-only',
        severity: isMeant ? 'low' : 'high',
        strength: 'certain',
        text,
        object: mount,
      });
    }
    const isFull = freeBytes < fullBytes && freeBytes < sizeBytes * fullShare;
    if (!isReadOnly && isFull) {
      const text = `${what} is full: ${formatBytes(freeBytes)} of ${formatBytes(sizeBytes)} are free`;
      found.push({ kind: 'disk-full', severity: 'high', strength: 'certain', text, object: mount });
    }
    if (!isReadOnly && inodes > 0 && freeInodes < inodes * fullInodes) {
      const text = `${what} takes no more files: ${freeInodes} of ${inodes} inodes are free`;
      found.push({ kind: 'disk-full', severity: 'high', strength: 'certain', text, object: mount });
    }
    return found;
  });
}

function memoryFindings({ memory }: HostDamage): readonly DamageFinding[] {
  const found = foundOf(memory);
  if (found === undefined || found.availableBytes >= found.totalBytes * shortMemory) return [];
  const text = `memory is short: ${formatBytes(found.availableBytes)} of ${formatBytes(found.totalBytes)} are to be had`;
  return [{ kind: 'memory', severity: 'low', strength: 'certain', text }];
}

function kernelFindings({ kernel }: HostDamage): readonly DamageFinding[] {
  const lines = foundOf(kernel)?.lines ?? [];
  const told = (
    pattern: RegExp,
    severity: DamageFinding['severity'],
    what: string,
  ): DamageFinding[] => {
    const matching = lines.filter((line) => pattern.test(line));
    const last = matching.at(-1);
    if (last === undefined) return [];
    const text = `the kernel speaks of ${what} (${matching.length} lines): ${last}`;
    return [{ kind: 'kernel', severity, strength: 'likely', text }];
  };
  return [
    ...told(failing, 'high', 'failing disks or file systems'),
    ...told(killed, 'medium', 'processes that were killed for memory'),
  ];
}
