import { ExitCode, isLifeboatError, LifeboatError } from '../../core/index.ts';
import type { Output } from './output.ts';
import type { Style } from './style.ts';

/** The one place where an error becomes text, JSON and an exit code. */
export function reportError(thrown: unknown, output: Output): number {
  const error = asLifeboatError(thrown);
  const { code, message, hint, context } = error;
  const record = {
    type: 'error',
    code,
    message,
    ...(hint === undefined ? {} : { hint }),
    ...(Object.keys(context).length > 0 ? { context } : {}),
    exitCode: error.exitCode,
  };
  // `lifeboat ls latest | head` is no mistake of anybody.
  if (context.readerGone === true) return error.exitCode;
  output.fail(record, (style) => describe(error, style));
  return error.exitCode;
}

function asLifeboatError(thrown: unknown): LifeboatError {
  if (isLifeboatError(thrown)) return thrown;
  if (thrown instanceof AggregateError && thrown.errors.length > 0) {
    return asLifeboatError(thrown.errors[0]);
  }
  // An error while cleaning up must not hide the one that made the cleaning up necessary.
  if (thrown instanceof SuppressedError) return asLifeboatError(thrown.suppressed);
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new LifeboatError('bug', message || 'an error without a message', {
    hint: 'This is a mistake in Lifeboat, not in your data. Please report it with the lines above.',
    cause: thrown,
  });
}

function describe(error: LifeboatError, style: Style): string {
  if (error.exitCode === ExitCode.cancelled) {
    return [style.yellow(error.message), ...(error.hint ? [error.hint] : [])].join('\n');
  }
  const lines = [`${style.red('error:')} ${error.message} ${style.dim(`[${error.code}]`)}`];
  if (error.hint) lines.push(`  ${error.hint}`);
  if (error.code === 'bug') {
    const { cause } = error;
    lines.unshift(style.dim((cause instanceof Error && cause.stack) || (error.stack ?? '')));
  }
  return lines.join('\n');
}
