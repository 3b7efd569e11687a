import { LifeboatError } from '../core/index.ts';
import { harmlessLines } from './harmless-text.ts';
import type { ProgramCall, ProgramEnd } from './run-program.ts';

/** How the programs of a platform say that it cannot be reached or may not be used, as against: that it did not do something. */
export interface Unavailability {
  readonly says: RegExp;
  /** What to do then. */
  readonly hint: string;
}

/** The error of a program that ended with another exit code than was good, with its own last words. */
export function programFailed(
  { program, purpose }: Pick<ProgramCall, 'program' | 'purpose'>,
  { exitCode, stdout, stderr }: ProgramEnd,
  unavailable?: Unavailability,
): LifeboatError {
  const said = harmlessLines(stderr.trim() === '' ? stdout : stderr)
    .map((line) => line.trim().slice(0, lineLengthMax))
    .filter((line) => line !== '')
    .slice(-linesKept);
  const fact = said.at(-1) ?? `${program} ended with ${exitCode}`;
  const context = { program, exitCode, said };
  if (unavailable?.says.test(said.join('\n'))) {
    return new LifeboatError('platform.unavailable', `cannot ${purpose}: ${fact}`, {
      hint: unavailable.hint,
      context,
      retryable: true,
    });
  }
  return new LifeboatError('platform.failed', `cannot ${purpose}: ${fact}`, { context });
}

const linesKept = 6;
const lineLengthMax = 500;
