import type { ClientRequest, Agent as HttpAgent, IncomingMessage } from 'node:http';
import { cancelled, LifeboatError, throwIfAborted } from '../../../core/index.ts';
import { BodyCollector } from './body-collector.ts';
import {
  bodyLength,
  type HttpAnswer,
  type HttpRequest,
  type HttpTransport,
} from './http-transport.ts';
import { sendBody } from './send-body.ts';
import { SilenceWatch } from './silence-watch.ts';
import { unreachable, untrusted } from './transport-error.ts';

export interface HttpClientOptions {
  /** PEM; trusted instead of the system's authorities. */
  readonly certificateAuthority?: string | undefined;
  /** A Unix socket to connect to, whatever host the URL names. */
  readonly socketPath?: string | undefined;
  /** `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY` are taken from here; never for this machine itself. */
  readonly environment?: NodeJS.ProcessEnv | undefined;
}

// Not imported: that alone takes as long as opening a repository (it loads `fetch`, which nobody here uses).
const http = () => process.getBuiltinModule('node:http');
const https = () => process.getBuiltinModule('node:https');

/** HTTP/1.1 over connections that are kept for the next request. */
export class HttpClient implements HttpTransport {
  readonly #options: HttpClientOptions;
  readonly #agents = new Map<string, HttpAgent>();

  constructor(options: HttpClientOptions = {}) {
    this.#options = options;
  }

  async request(request: HttpRequest): Promise<HttpAnswer> {
    for (let attempt = 1; ; attempt++) {
      throwIfAborted(request.signal);
      const outgoing = this.#open(request);
      try {
        return await exchange(outgoing, request);
      } catch (error) {
        // A server may close a kept connection just as it is used again: no failure of anything. What changes something is not
        // sent again here, as nobody would know that it may have been done.
        const again = attempt === 1 && request.body === undefined && request.method !== 'DELETE';
        if (again && outgoing.reusedSocket && wasClosed(error)) continue;
        throw error instanceof ExchangeFailure ? error.told : error;
      }
    }
  }

  async close(): Promise<void> {
    for (const agent of this.#agents.values()) agent.destroy();
    this.#agents.clear();
  }

  #open({ method, url, headers, authorization, body }: HttpRequest): ClientRequest {
    const { socketPath } = this.#options;
    const options = {
      method,
      headers: {
        ...headers,
        ...(authorization ? { authorization: authorization.reveal() } : {}),
        ...(body ? { 'content-length': String(bodyLength(body)) } : {}),
      },
      ...(socketPath ? { socketPath } : {}),
    };
    return url.protocol === 'http:'
      ? http().request(url, { ...options, agent: this.#agent(url) })
      : https().request(url, { ...options, agent: this.#agent(url) });
  }

  #agent({ protocol, hostname }: URL): HttpAgent {
    const { certificateAuthority: ca, environment, socketPath } = this.#options;
    const isProxied = environment !== undefined && socketPath === undefined && !isNear(hostname);
    const key = `${protocol} ${isProxied}`;
    const kept = this.#agents.get(key);
    if (kept !== undefined) return kept;
    const options = { keepAlive: true, ...(isProxied ? { proxyEnv: environment } : {}) };
    const agent =
      protocol === 'http:'
        ? new (http().Agent)(options)
        : new (https().Agent)({ ...options, ...(ca ? { ca } : {}) });
    this.#agents.set(key, agent);
    return agent;
  }
}

/** This machine, and what answers only to it. */
export function isNear(hostname: string): boolean {
  return /^(localhost$|127\.|\[::1\]$|169\.254\.|metadata\.google\.internal$)/.test(hostname);
}

/** Keeps the error of the connection beside what is told of it. */
class ExchangeFailure extends Error {
  readonly told: LifeboatError;
  constructor(told: LifeboatError, cause: unknown) {
    super(told.message, { cause });
    this.told = told;
  }
}

function wasClosed(error: unknown): boolean {
  const code = ((error as Error).cause as NodeJS.ErrnoException | undefined)?.code ?? '';
  return error instanceof ExchangeFailure && ['ECONNRESET', 'EPIPE'].includes(code);
}

async function exchange(outgoing: ClientRequest, request: HttpRequest): Promise<HttpAnswer> {
  const { signal, url, method, body = [] } = request;
  using silence = new SilenceWatch(() => outgoing.destroy());
  const onAbort = () => outgoing.destroy();
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    const incoming = await new Promise<IncomingMessage>((resolve, reject) => {
      // A server may answer before it has read everything, and close: the answer counts.
      outgoing.once('response', resolve);
      outgoing.on('error', reject);
      outgoing.once('close', () => reject(new Error('it closed the connection')));
      sendBody(outgoing, body, silence.moved).catch(reject);
    });
    silence.moved();
    const header = (name: string) => {
      const value = incoming.headers[name];
      return Array.isArray(value) ? value[0] : value;
    };
    const length = header('content-length');
    const lengthBytes = length === undefined ? undefined : Number(length);
    const expected = method === 'HEAD' ? undefined : lengthBytes;
    const answer = await bodyOf(incoming, new BodyCollector(expected), silence.moved);
    return { status: incoming.statusCode ?? 0, header, lengthBytes, body: answer };
  } catch (error) {
    outgoing.destroy();
    if (signal?.aborted) throw cancelled(signal);
    if (error instanceof LifeboatError) throw error;
    const told = silence.fellSilent
      ? unreachable(url.origin, 'it fell silent', error)
      : (untrusted(url.origin, error) ?? unreachable(url.origin, factOf(error), error));
    throw new ExchangeFailure(told, error);
  } finally {
    signal?.removeEventListener('abort', onAbort);
    // Answered before all was sent: the rest must not be read from a buffer that its owner uses again.
    if (!outgoing.writableFinished) outgoing.destroy();
  }
}

/** By events: an iterator costs a promise for each of some thousand parts. */
function bodyOf(
  incoming: IncomingMessage,
  body: BodyCollector,
  moved: () => void,
): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    incoming.on('data', (part: Uint8Array) => {
      moved();
      try {
        body.add(part);
      } catch (error) {
        reject(error);
      }
    });
    incoming.once('end', () => {
      try {
        resolve(body.end());
      } catch (error) {
        reject(error);
      }
    });
    incoming.once('error', reject);
    incoming.once('close', () => reject(new Error('aborted')));
  });
}

function factOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  // `aborted` is Node's word for a body that ended early.
  if (message === 'aborted') return 'it broke off in the middle of its answer';
  return code ?? message;
}
