import { connect, createServer, type Socket } from 'node:net';

type Fault = 'cut' | 'hang';

/** A way to a server that a test cuts, holds up, or leads elsewhere. */
export interface FaultyRelay {
  readonly port: number;
  /** All that is connected, and who comes then, is cut off, or gets no answer. */
  break(fault: Fault): void;
  /** That happens when one side sends `marker`, which does not arrive. */
  breakAt(marker: string, fault: Fault): void;
  /** That happens when the server has sent so many bytes more. */
  breakAfter(bytes: number, fault: Fault): void;
  /** Flips a bit when the server has sent so many bytes more. */
  alterAfter(bytes: number): void;
  /** To this port from now on. */
  leadTo(port: number): void;
  readonly isBroken: () => boolean;
  mend(): void;
  [Symbol.dispose](): void;
}

/** Where it leads to: a port of loopback, or the socket of a file. */
type Target = number | string;

/** Listens on a port of loopback, or on the socket `at`. */
export async function startFaultyRelay(target: Target, at?: string): Promise<FaultyRelay> {
  const sockets = new Set<Socket>();
  let leadsTo = target;
  let fault: Fault | undefined;
  let armed: { readonly marker: string; readonly fault: Fault } | undefined;
  let sentBytes = 0;
  let limit: { readonly bytes: number; readonly fault: Fault | 'alter' } | undefined;
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  const breakNow = (wanted: Fault) => {
    fault = wanted;
    if (wanted === 'cut') cut();
  };
  const pass = (chunk: Buffer, to: Socket) => {
    if (fault === 'hang') return;
    if (armed && chunk.includes(armed.marker)) {
      const { fault: wanted } = armed;
      armed = undefined;
      return breakNow(wanted);
    }
    to.write(chunk);
  };
  const server = createServer((client) => {
    if (fault === 'cut') return void client.destroy();
    const upstream = typeof leadsTo === 'number' ? connect(leadsTo, '127.0.0.1') : connect(leadsTo);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        sockets.delete(socket);
        if (fault === 'hang') return;
        client.destroy();
        upstream.destroy();
      });
    }
    client.on('data', (chunk: Buffer) => pass(chunk, upstream));
    client.on('end', () => upstream.end());
    upstream.on('data', (chunk: Buffer) => {
      sentBytes += chunk.length;
      if (limit !== undefined && sentBytes >= limit.bytes) {
        const { fault: wanted } = limit;
        limit = undefined;
        if (wanted !== 'alter') return breakNow(wanted);
        const middle = chunk.length >> 1;
        chunk[middle] = (chunk[middle] as number) ^ 1;
      }
      pass(chunk, client);
    });
    upstream.on('end', () => fault === 'hang' || client.end());
  });
  await new Promise<void>((resolve) =>
    at === undefined ? server.listen(0, '127.0.0.1', resolve) : server.listen(at, resolve),
  );
  const address = server.address();
  return {
    port: typeof address === 'object' && address ? address.port : 0,
    break: breakNow,
    breakAt: (marker, wanted) => {
      armed = { marker, fault: wanted };
    },
    breakAfter: (bytes, wanted) => {
      limit = { bytes: sentBytes + bytes, fault: wanted };
    },
    alterAfter: (bytes) => {
      limit = { bytes: sentBytes + bytes, fault: 'alter' };
    },
    leadTo: (port) => {
      leadsTo = port;
      cut();
    },
    isBroken: () => fault !== undefined,
    mend() {
      leadsTo = target;
      fault = armed = limit = undefined;
      cut();
    },
    [Symbol.dispose]() {
      cut();
      server.close();
    },
  };
}
