import { isLifeboatError, LifeboatError } from '../../core/index.ts';
import type { SentError } from './thread-messages.ts';

/** Classes do not survive the way between threads. */
export function sendableError(error: unknown): SentError {
  if (isLifeboatError(error)) {
    const { code, message, hint, context } = error;
    return { code, message, hint, context };
  }
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { code: 'bug', message, hint: undefined, context: {} };
}

export function receivedError({ code, message, hint, context }: SentError): LifeboatError {
  return new LifeboatError(code, message, { context, ...(hint === undefined ? {} : { hint }) });
}
