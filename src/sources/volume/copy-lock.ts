import { createHash } from 'node:crypto';
import { createServer } from 'node:net';
import { LifeboatError } from '../../core/index.ts';

/**
 * One process at a time has a copy of a volume in a folder: it listens on a name of its own, which the system takes back however the
 * process ends. Errors: `volume.unavailable`.
 */
export async function lockCopy(folder: string, what: string): Promise<AsyncDisposable> {
  const hash = createHash('sha256').update(folder).digest('hex').slice(0, 32);
  const server = createServer((socket) => socket.destroy());
  // unix(7): a name that begins with a zero byte stands in no folder.
  const isOurs = await new Promise<boolean>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(false);
      else reject(error);
    });
    server.listen(`\0lifeboat-volume-${hash}`, () => resolve(true));
  });
  if (isOurs) {
    server.unref();
    return {
      [Symbol.asyncDispose]: () =>
        new Promise<void>((resolve) => void server.close(() => resolve())),
    };
  }
  throw new LifeboatError('volume.unavailable', `another process copies ${what} just now`, {
    hint: 'Wait until it has ended.',
    context: { folder },
    retryable: true,
  });
}
