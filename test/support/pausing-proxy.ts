import { connect, createServer, type Socket } from 'node:net';

export interface PausingProxy {
  readonly port: number;
  /** Whether the marker came by. */
  readonly hasPaused: () => boolean;
  [Symbol.dispose](): void;
}

/**
 * Forwards to a port of loopback. The first time that the server sends `marker`, that and what follows is held back until `during`
 * has ended: what happens there happens in the middle of what the client does.
 */
export async function startPausingProxy(
  port: number,
  marker: string,
  during: () => Promise<void>,
): Promise<PausingProxy> {
  const sockets = new Set<Socket>();
  let hasPaused = false;
  const server = createServer((client) => {
    const upstream = connect(port, '127.0.0.1');
    sockets.add(client).add(upstream);
    client.pipe(upstream);
    upstream.on('data', (chunk: Buffer) => {
      if (hasPaused || !chunk.includes(marker)) {
        client.write(chunk);
        return;
      }
      hasPaused = true;
      upstream.pause();
      void during().finally(() => {
        client.write(chunk);
        upstream.resume();
      });
    });
    upstream.on('end', () => client.end());
    upstream.on('close', () => client.end());
    for (const socket of [client, upstream]) {
      socket.on('error', () => {
        client.destroy();
        upstream.destroy();
      });
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return {
    port: typeof address === 'object' && address ? address.port : 0,
    hasPaused: () => hasPaused,
    [Symbol.dispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}
