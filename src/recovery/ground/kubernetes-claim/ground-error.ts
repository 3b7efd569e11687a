import { isLifeboatError, LifeboatError } from '../../../core/index.ts';

/** An error of driving the cluster, as one of the ground; others as they are. */
export function groundError(error: unknown): unknown {
  if (!isLifeboatError(error, 'platform.unavailable', 'platform.failed', 'platform.timeout')) {
    return error;
  }
  const { message, hint, context, retryable } = error;
  const code = error.code === 'platform.unavailable' ? 'ground.unavailable' : 'ground.failed';
  return new LifeboatError(code, message, {
    hint:
      hint ?? 'What services use is as before. Put right what the message names, then repeat this.',
    context,
    retryable,
    cause: error,
  });
}
