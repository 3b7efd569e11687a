import { once } from 'node:events';
import type { Writable } from 'node:stream';
import { isLifeboatError } from '../../../core/index.ts';
import type { ClientProgram } from './client-program.ts';

/** Where a dump comes from: pg_dump, or a repository. */
export interface DumpOrigin {
  readonly stdout: AsyncIterable<Uint8Array>;
  /** Rejects when not everything came. */
  readonly ended: Promise<void>;
  kill(): void;
}

/**
 * Passes what `from` (pg_dump) writes on to `to` (pg_restore in one transaction). The last bytes are held back until pg_dump has
 * ended well: without them pg_restore cannot finish, so a dump that broke off, or our own death, never commits half of it.
 */
export async function pipeDump(
  from: DumpOrigin,
  to: ClientProgram,
  onBytes: (bytes: number) => void,
): Promise<void> {
  const gone = to.ended.then<true, true>(
    () => true,
    () => true,
  );
  try {
    let held: Uint8Array | undefined;
    for await (const chunk of from.stdout) {
      if (held && !(await writeTo(to.stdin, held, gone))) break;
      held = chunk;
      onBytes(chunk.length);
    }
    if (!to.stdin.writable) await to.ended;
    await from.ended;
    to.stdin.end(held);
    await to.ended;
  } catch (error) {
    from.kill();
    to.stdin.destroy();
    const [made, loaded] = await Promise.allSettled([from.ended, to.ended]);
    // The loader's own reason comes first: a pg_dump whose reader went away fails too.
    const cause = [loaded, made].find(
      (each) => each.status === 'rejected' && !isBrokenPipe(each.reason),
    ) as PromiseRejectedResult | undefined;
    throw cause?.reason ?? error;
  }
}

/** False when nobody reads any more. */
async function writeTo(stdin: Writable, bytes: Uint8Array, gone: Promise<true>): Promise<boolean> {
  if (!stdin.writable) return false;
  if (stdin.write(bytes)) return true;
  const drained = once(stdin, 'drain').then(
    () => false,
    () => true,
  );
  return !(await Promise.race([drained, gone]));
}

function isBrokenPipe(error: unknown): boolean {
  return (
    isLifeboatError(error) &&
    /broken pipe|end of file|could not (read|write)/i.test(error.message) &&
    !isLifeboatError(error, 'cancelled')
  );
}
