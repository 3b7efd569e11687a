import { type ErrorCode, ExitCode, errorCodes } from './error-codes.ts';

/** Facts for the reader and for `--json`. Never put a secret in here. */
export type ErrorContext = Readonly<Record<string, string | number | boolean | readonly string[]>>;

export interface ErrorDetails {
  /** A full sentence: what to do now, and when doing it is safe. */
  readonly hint?: string;
  readonly context?: ErrorContext;
  readonly cause?: unknown;
  /** True when the same call may succeed later without anyone changing anything. */
  readonly retryable?: boolean;
}

/**
 * The one error class. `message` is lower case without a full stop: what was attempted, and the fact.
 * Errors become text, JSON or an exit code only at the edge (cli).
 */
export class LifeboatError extends Error {
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly context: ErrorContext;
  readonly retryable: boolean;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'LifeboatError';
    this.code = code;
    this.hint = details.hint;
    this.context = Object.freeze({ ...details.context });
    this.retryable = details.retryable ?? false;
  }

  get exitCode(): number {
    return errorCodes[this.code].exit;
  }
}

/** True when `error` is ours and has one of the given codes (any code when none is given). */
export function isLifeboatError(error: unknown, ...codes: ErrorCode[]): error is LifeboatError {
  return error instanceof LifeboatError && (codes.length === 0 || codes.includes(error.code));
}

/** Turns an error of the file system into ours; a full disk gets its own code. Ours pass unchanged. */
export function fileError(error: unknown, attempted: string): LifeboatError {
  if (error instanceof LifeboatError) return error;
  const code = (error as NodeJS.ErrnoException)?.code;
  const fact = code ?? (error instanceof Error ? error.message : String(error));
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new LifeboatError('disk.full', `${attempted}: no space left on the device`, {
      hint: 'Nothing that was acknowledged is lost. Free some space and run the command again.',
      cause: error,
      retryable: true,
    });
  }
  return new LifeboatError('file.unreadable', `${attempted}: ${fact}`, { cause: error });
}

/** For mistakes of this program, not of the world. Always on. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new LifeboatError('bug', `assertion failed: ${message}`);
}

export { ExitCode };
