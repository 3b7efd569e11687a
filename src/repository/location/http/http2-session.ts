import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  type IncomingHttpHeaders,
} from 'node:http2';
import type { Socket } from 'node:net';
import { cancelled, LifeboatError, throwIfAborted } from '../../../core/index.ts';
import { joinBody, maximumBodyBytes, sendsTooMuch } from './collect-body.ts';
import { bodyLength, type HttpAnswer, type HttpRequest } from './http-transport.ts';
import { SilenceWatch } from './silence-watch.ts';
import { unreachable } from './transport-error.ts';

const sessionMemoryMb = 4_096;
/** What may be under way without a word from us: the pipe is short, so this only spares words. */
const streamWindowBytes = 2 * 2 ** 20;
const sessionWindowBytes = 16 * 2 ** 20;

/** HTTP/2 without TLS over a socket that is open already. Requests share it. `place` is what errors name. */
export class Http2Session {
  readonly #session: ClientHttp2Session;
  readonly #place: string;
  #failure: Error | undefined;

  constructor(socket: Socket, place: string) {
    this.#place = place;
    this.#session = connect('http://localhost', {
      createConnection: () => socket,
      // Packs that wait to be sent count; above the default of 10 MB new requests are refused.
      maxSessionMemory: sessionMemoryMb,
      settings: { initialWindowSize: streamWindowBytes },
    });
    this.#session.once('connect', () => this.#session.setLocalWindowSize(sessionWindowBytes));
    this.#session.on('error', (error) => {
      this.#failure ??= error;
    });
  }

  get isOpen(): boolean {
    return this.#failure === undefined && !this.#session.closed && !this.#session.destroyed;
  }

  destroy(): void {
    this.#session.destroy();
  }

  async request(request: HttpRequest): Promise<HttpAnswer> {
    const { signal, body = [], method, url } = request;
    throwIfAborted(signal);
    let stream: ClientHttp2Stream | undefined;
    const stop = () => stream?.close(constants.NGHTTP2_CANCEL);
    using silence = new SilenceWatch(bodyLength(body), stop);
    signal?.addEventListener('abort', stop, { once: true });
    try {
      stream = this.#session.request(
        {
          ':method': method,
          ':path': url.pathname + url.search,
          ...request.headers,
          ...(request.body ? { 'content-length': String(bodyLength(body)) } : {}),
        },
        { endStream: request.body === undefined },
      );
      const { headers, parts } = await answerOf(stream, body, silence.heard);
      const header = (name: string) => {
        const value = headers[name];
        return Array.isArray(value) ? value[0] : value;
      };
      const length = header('content-length');
      const lengthBytes = length === undefined ? undefined : Number(length);
      const expected = method === 'HEAD' ? undefined : lengthBytes;
      const answer = joinBody(parts, expected);
      return { status: Number(headers[':status']), header, lengthBytes, body: answer };
    } catch (error) {
      stop();
      if (signal?.aborted) throw cancelled(signal);
      if (error instanceof LifeboatError) throw error;
      const fact = silence.fellSilent ? 'it fell silent' : (error as Error).message;
      throw unreachable(this.#place, fact, error);
    } finally {
      signal?.removeEventListener('abort', stop);
    }
  }
}

interface WholeAnswer {
  readonly headers: IncomingHttpHeaders;
  readonly parts: readonly Uint8Array[];
}

function answerOf(
  stream: ClientHttp2Stream,
  body: readonly Uint8Array[],
  heard: () => void,
): Promise<WholeAnswer> {
  return new Promise((resolve, reject) => {
    const parts: Uint8Array[] = [];
    let received = 0;
    let headers: IncomingHttpHeaders | undefined;
    stream.once('response', (each) => {
      headers = each;
      heard();
    });
    stream.on('data', (part: Uint8Array) => {
      heard();
      received += part.length;
      if (received > maximumBodyBytes) reject(sendsTooMuch());
      else parts.push(part);
    });
    stream.once('end', () => {
      if (headers !== undefined) resolve({ headers, parts });
    });
    stream.on('error', reject);
    stream.once('close', () => {
      // Ended in order, but before `end` could be told.
      const inOrder = stream.rstCode === constants.NGHTTP2_NO_ERROR && headers !== undefined;
      if (inOrder) resolve({ headers: headers as IncomingHttpHeaders, parts });
      else reject(new Error('it closed the connection'));
    });
    for (const part of body) stream.write(part);
    if (body.length > 0) stream.end();
  });
}
