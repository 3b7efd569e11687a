import { readdir } from 'node:fs/promises';
import { connect } from 'node:net';

export interface LocalServer {
  /** A folder of Unix sockets, or `localhost`. */
  readonly host: string;
  readonly port: number;
}

const socketFolders = ['/var/run/postgresql', '/run/postgresql', '/tmp'];
const ports = [5432, 5433, 5434, 5435, 6432];
const answerTimeoutMs = 500;
// SSLRequest: any PostgreSQL answers it with one byte before a login.
const sslRequest = Buffer.from([0, 0, 0, 8, 4, 0xd2, 0x16, 0x2f]);

/** PostgreSQL servers that answer on this machine's usual sockets and ports. Logs in nowhere. */
export async function findLocalServers(): Promise<readonly LocalServer[]> {
  const sockets = (await Promise.all(socketFolders.map(socketsIn))).flat();
  const places = [...sockets, ...ports.map((port) => ({ host: 'localhost', port }))];
  const found = await Promise.all(places.map(async (each) => ((await answers(each)) ? each : [])));
  // /var/run is usually a link to /run, and a server on a socket listens on its port too.
  const byPort = new Map<number, LocalServer>();
  for (const each of found.flat()) if (!byPort.has(each.port)) byPort.set(each.port, each);
  return [...byPort.values()];
}

async function socketsIn(folder: string): Promise<LocalServer[]> {
  const names = await readdir(folder).catch(() => []);
  return names.flatMap((name) => {
    const match = /^\.s\.PGSQL\.(\d{1,5})$/.exec(name);
    return match ? [{ host: folder, port: Number(match[1]) }] : [];
  });
}

function answers({ host, port }: LocalServer): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = host.startsWith('/')
      ? connect(`${host}/.s.PGSQL.${port}`)
      : connect(port, '127.0.0.1');
    const settle = (value: boolean) => {
      socket.destroy();
      resolve(value);
    };
    socket.setTimeout(answerTimeoutMs, () => settle(false));
    socket.once('error', () => settle(false));
    socket.once('connect', () => socket.write(sslRequest));
    socket.once('data', (data) => settle(data[0] === 0x53 || data[0] === 0x4e));
  });
}
