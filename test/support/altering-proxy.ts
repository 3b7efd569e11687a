import { connect, createServer, type Socket } from 'node:net';

export interface AlteringProxy {
  readonly port: number;
  /** How often the marker was altered. */
  readonly altered: () => number;
  [Symbol.dispose](): void;
}

/** Forwards to a port of loopback and flips a bit in the first `marker` that the server sends, as a bad cable would. */
export async function startAlteringProxy(port: number, marker: string): Promise<AlteringProxy> {
  const sockets = new Set<Socket>();
  let altered = 0;
  const server = createServer((client) => {
    const upstream = connect(port, '127.0.0.1');
    sockets.add(client).add(upstream);
    client.pipe(upstream);
    upstream.on('data', (chunk: Buffer) => {
      const at = altered === 0 ? chunk.indexOf(marker) : -1;
      if (at >= 0) {
        chunk[at] = (chunk[at] as number) ^ 1;
        altered += 1;
      }
      client.write(chunk);
    });
    upstream.on('end', () => client.end());
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
    altered: () => altered,
    [Symbol.dispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}
