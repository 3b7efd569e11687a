import { connect, createServer, type Socket } from 'node:net';

export interface Relay {
  readonly port: number;
  [Symbol.dispose](): void;
}

/** Forwards to a port of loopback. What the server sends goes through `pass`, which writes it to the client. */
export async function startRelay(
  port: number,
  pass: (chunk: Buffer, client: Socket, upstream: Socket) => void,
): Promise<Relay> {
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(port, '127.0.0.1');
    sockets.add(client).add(upstream);
    client.pipe(upstream);
    upstream.on('data', (chunk: Buffer) => pass(chunk, client, upstream));
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
    [Symbol.dispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}
