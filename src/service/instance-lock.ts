import { mkdir, rm } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { fileError, LifeboatError } from '../core/index.ts';

/**
 * Makes sure that one service works with a state folder: a Unix socket in it that the living one answers on. The system
 * closes it however the process ends, so a lock is never left behind; a stale file is told by nobody answering.
 * (Should two services start within the same moment on a stale file, the replication slot still lets only one stream.)
 */
export async function lockInstance(stateFolder: string): Promise<AsyncDisposable> {
  const path = join(stateFolder, 'serve.sock');
  try {
    await mkdir(stateFolder, { recursive: true, mode: 0o700 });
    const server = (await listen(path)) ?? (await listenInsteadOfStale(path));
    if (server) return { [Symbol.asyncDispose]: () => close(server) };
  } catch (error) {
    throw fileError(error, `could not lock ${stateFolder}`);
  }
  throw new LifeboatError('service.running', `a service already works with ${stateFolder}`, {
    hint: 'Stop that one first, or give this one another `state` folder.',
    context: { stateFolder },
  });
}

/** Whether a service works with a state folder now, as far as it can be seen: the folder of another account cannot. */
export async function isServing(stateFolder: string): Promise<boolean> {
  return await answers(join(stateFolder, 'serve.sock')).catch(() => false);
}

async function listenInsteadOfStale(path: string): Promise<Server | undefined> {
  if (await answers(path)) return undefined;
  await rm(path, { force: true });
  return listen(path);
}

/** Undefined when the path is taken. */
function listen(path: string): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(undefined);
      else reject(error);
    });
    server.listen(path, () => resolve(server));
  });
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}
