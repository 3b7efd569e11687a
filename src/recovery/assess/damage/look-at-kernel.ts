import { LifeboatError } from '../../../core/index.ts';
import { harmlessLines, harmlessText, runProgram } from '../../../platforms/index.ts';
import { excerptOf } from './excerpt.ts';
import { gapOf, type PartWork } from './part-runner.ts';
import type { Excerpt } from './postgres-damage.ts';

/** What the Linux kernel says when disks, file systems, memory or the machine fail. */
export const kernelWords: readonly string[] = [
  'i/o error',
  'blk_update_request',
  'critical medium error',
  'critical target error',
  'unrecovered read error',
  'ext4-fs error',
  'ext4-fs warning',
  'remounting filesystem read-only',
  'xfs: corrupt',
  'xfs_do_force_shutdown',
  'metadata corruption',
  'btrfs error',
  'btrfs critical',
  'out of memory',
  'oom-kill',
  'killed process',
  'nvme timeout',
  'controller is down',
  'ata error',
  'failed command',
  'blocked for more than',
  'not responding',
  'machine check',
  'hardware error',
  'edac',
  'no space left',
];

/** A drive without a disk in it, as virtual machines have them, fails at each look, and is no loss. */
const removable = /\bdev (?:fd|sr)\d/i;
const lines = 5000;
const bytesMax = 2 * 2 ** 20;

/** Messages of the kernel since then, from the journal, else from its own buffer: of that also those whose time cannot be read. */
export async function lookAtKernel(
  since: Date,
  environment: NodeJS.ProcessEnv,
  part: PartWork,
): Promise<Excerpt> {
  const ask = (program: string, args: readonly string[]) =>
    askFor(program, args, environment, part);
  const seconds = `@${Math.floor(since.getTime() / 1000)}`;
  const journal = ['-k', '--no-pager', '-q', '-o', 'short-iso', '-n', String(lines)];
  try {
    const found = await ask('journalctl', [...journal, '--since', seconds]);
    if (found.length > 0) return excerptOf('journalctl -k', found, kernelWords);
  } catch (error) {
    gapOf(error, part);
  }
  const found = await ask('dmesg', ['--time-format', 'iso']);
  const recent = found.filter((line) => !(timeOf(line) < since.getTime()));
  return excerptOf('dmesg', recent.slice(-lines), kernelWords);
}

/** `2026-11-27T06:23:11,898753+00:00 ...`; NaN where it begins in another way. */
function timeOf(line: string): number {
  return Date.parse(line.slice(0, line.indexOf(' ')).replace(',', '.'));
}

async function askFor(
  program: string,
  args: readonly string[],
  environment: NodeJS.ProcessEnv,
  { signal, leftMs }: PartWork,
): Promise<readonly string[]> {
  const purpose = 'read the messages of the kernel';
  const { exitCode, stdout, stderr } = await runProgram({
    program,
    args,
    environment: { ...environment, LC_ALL: 'C' },
    purpose,
    timeoutMs: Math.max(1, leftMs()),
    signal,
    outputBytesMax: bytesMax,
    keep: 'newest',
  });
  if (exitCode === 0) return harmlessLines(stdout).filter((line) => !removable.test(line));
  const said = harmlessText(stderr).split('\n')[0] || `it ended with ${exitCode}`;
  throw new LifeboatError('platform.failed', `cannot ${purpose}: ${program}: ${said}`);
}
