import type { CommandCheckSetting } from '../../../config/index.ts';
import { harmlessLines, runProgram } from '../../../platforms/index.ts';
import { type Finding, fails, holds } from './application-result.ts';
import type { CheckSurroundings } from './check-surroundings.ts';

/** Runs the program; what it prints is looked at and not repeated, but for the last line of its complaint. */
export async function checkCommand(
  { command, prints }: CommandCheckSetting,
  { environment }: CheckSurroundings,
  { signal, withinMs }: { readonly signal: AbortSignal; readonly withinMs: number },
): Promise<Finding> {
  const [program, ...args] = command as [string, ...string[]];
  const { exitCode, stdout, stderr } = await runProgram({
    program,
    args,
    environment,
    purpose: `run ${program}`,
    timeoutMs: withinMs,
    signal,
  });
  if (exitCode !== 0) {
    const said = harmlessLines(stderr).at(-1) ?? '';
    return fails(`ended with ${exitCode}${said === '' ? '' : `: ${said}`}`);
  }
  if (prints !== undefined && !stdout.includes(prints)) return fails(`did not print "${prints}"`);
  return holds('ended with 0');
}
