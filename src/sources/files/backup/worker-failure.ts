import { type ErrorCode, isLifeboatError, LifeboatError } from '../../../core/index.ts';
import type { MainMessage } from './worker-messages.ts';

/** An error on its way from a worker to the main thread. */
export interface WorkerFailure {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint: string | undefined;
}

export function failureMessage(error: unknown): MainMessage {
  const known = isLifeboatError(error);
  return {
    type: 'failed',
    failure: {
      code: known ? error.code : 'bug',
      message:
        error instanceof Error ? (known ? error.message : String(error.stack)) : String(error),
      hint: known ? error.hint : undefined,
    },
  };
}

export function failureError({ code, message, hint }: WorkerFailure): LifeboatError {
  return new LifeboatError(code, message, hint === undefined ? {} : { hint });
}
