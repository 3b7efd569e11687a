import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';

/** A fault is data: the nth request that matches (1 is the first) goes wrong. */
export interface HttpFault {
  readonly method?: string;
  /** Compared with path and query. */
  readonly path?: RegExp;
  readonly nth: number;
  /**
   * `answer`: the server is not asked; `status`, `headers` and `body` are the answer. `reset`: the connection breaks before
   * anything happens. `cut-request`: half of the body reaches the server, then the connection breaks. `lost-answer`: the server does
   * it, then the connection breaks. `cut-answer`: half of the answer arrives. `flip-request`, `flip-answer`: one bit of the body is wrong.
   */
  readonly effect:
    | 'answer'
    | 'reset'
    | 'cut-request'
    | 'lost-answer'
    | 'cut-answer'
    | 'flip-request'
    | 'flip-answer';
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** What Amazon answers when it is asked too much. */
export const slowDown: Omit<HttpFault, 'nth'> = {
  effect: 'answer',
  status: 503,
  headers: { 'content-type': 'application/xml', 'retry-after': '0' },
  body: '<?xml version="1.0" encoding="UTF-8"?><Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>',
};

export interface FaultyHttpProxy extends AsyncDisposable {
  readonly url: string;
  /** `METHOD /path?query` of every request so far. */
  readonly seen: readonly string[];
  /** The faults from now on; counting begins anew. */
  inject(...faults: HttpFault[]): void;
  /** Fails when a declared fault never happened. */
  assertFired(): void;
}

interface Pending {
  readonly fault: HttpFault;
  matched: number;
  fired: boolean;
}

/** Stands before a real server (S3, REST, Google's emulator) and breaks declared requests. `Host` is passed on as it is, so that signatures hold. */
export async function startFaultyProxy(
  upstream: string,
  ...faults: HttpFault[]
): Promise<FaultyHttpProxy> {
  const target = new URL(upstream);
  const seen: string[] = [];
  let pending: Pending[] = [];
  const inject = (...declared: HttpFault[]) => {
    pending = declared.map((fault) => ({ fault, matched: 0, fired: false }));
  };
  inject(...faults);

  const due = (method: string, path: string): HttpFault | undefined => {
    const matching = pending.filter(({ fault }) => {
      return (fault.method ?? method) === method && (fault.path?.test(path) ?? true);
    });
    for (const each of matching) each.matched++;
    const now = matching.find((each) => each.matched === each.fault.nth && !each.fired);
    if (now !== undefined) now.fired = true;
    return now?.fault;
  };

  const server = createServer((incoming, outgoing) => {
    const { method = 'GET', url = '/' } = incoming;
    seen.push(`${method} ${url}`);
    serve(target, incoming, outgoing, due(method, url)).catch(() => outgoing.destroy());
  });
  // Clients keep connections; the test decides when they end.
  server.keepAliveTimeout = 0;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    inject,
    assertFired() {
      const silent = pending.filter(({ fired }) => !fired).map(({ fault }) => fault);
      if (silent.length > 0) throw new Error(`never happened: ${JSON.stringify(silent)}`);
    },
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

async function serve(
  target: URL,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  fault: HttpFault | undefined,
): Promise<void> {
  const effect = fault?.effect;
  if (effect === 'reset') return void outgoing.destroy();
  const sent = await whole(incoming);
  if (effect === 'answer') {
    outgoing.writeHead(fault?.status ?? 500, fault?.headers);
    return void outgoing.end(incoming.method === 'HEAD' ? undefined : fault?.body);
  }
  const answer = await ask(
    target,
    incoming,
    effect === 'flip-request' ? flipped(sent) : sent,
    effect,
  );
  if (answer === undefined || effect === 'lost-answer') return void outgoing.destroy();
  const body = effect === 'flip-answer' ? flipped(answer.body) : answer.body;
  outgoing.writeHead(answer.status, answer.headers);
  if (effect !== 'cut-answer') return void outgoing.end(body);
  outgoing.write(body.subarray(0, body.length / 2), () => outgoing.destroy());
}

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** Undefined where the request was cut on purpose. */
function ask(
  target: URL,
  { method, url, headers }: IncomingMessage,
  body: Buffer,
  effect: HttpFault['effect'] | undefined,
): Promise<Answer | undefined> {
  return new Promise((resolve, reject) => {
    const { hostname: host, port } = target;
    const onward = request({ host, port, method, path: url, headers, agent: false }, (answer) => {
      whole(answer).then((bytes) => {
        resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: bytes });
      }, reject);
    });
    onward.once('error', reject);
    if (effect !== 'cut-request') return void onward.end(body);
    onward.write(body.subarray(0, body.length / 2), () => {
      onward.destroy();
      resolve(undefined);
    });
  });
}

async function whole(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of stream) parts.push(part);
  return Buffer.concat(parts);
}

function flipped(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  const middle = copy.length >> 1;
  if (copy.length > 0) copy[middle] = (copy[middle] as number) ^ 1;
  return copy;
}
