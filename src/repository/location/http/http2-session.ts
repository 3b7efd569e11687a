import type { ClientHttp2Session, ClientHttp2Stream, IncomingHttpHeaders } from 'node:http2';
import type { Socket } from 'node:net';
import { cancelled, LifeboatError, throwIfAborted } from '../../../core/index.ts';
import { BodyCollector } from './body-collector.ts';
import { bodyLength, type HttpAnswer, type HttpRequest } from './http-transport.ts';
import { sendBody } from './send-body.ts';
import { SilenceWatch } from './silence-watch.ts';
import { unreachable } from './transport-error.ts';

// Not imported: most repositories are not reached this way, and it takes a while to load.
const http2 = () => process.getBuiltinModule('node:http2');

const sessionMemoryMb = 4_096;
/** What may be under way without a word from us: the pipe is short, so this only spares words. */
const streamWindowBytes = 2 * 2 ** 20;
/** Sixteen times what is usual: a pack is less than a hundred events. */
const frameBytes = 256 * 1024;
const sessionWindowBytes = 16 * 2 ** 20;

/** HTTP/2 without TLS over a socket that is open already. Requests share it. `place` is what errors name. */
export class Http2Session {
  readonly #session: ClientHttp2Session;
  readonly #place: string;
  #failure: Error | undefined;

  constructor(socket: Socket, place: string) {
    this.#place = place;
    this.#session = http2().connect('http://localhost', {
      createConnection: () => socket,
      // Packs that wait to be sent count; above the default of 10 MB new requests are refused.
      maxSessionMemory: sessionMemoryMb,
      settings: { initialWindowSize: streamWindowBytes, maxFrameSize: frameBytes },
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
    const { signal, body, method, url } = request;
    throwIfAborted(signal);
    let stream: ClientHttp2Stream | undefined;
    const stop = () => stream?.close(http2().constants.NGHTTP2_CANCEL);
    using silence = new SilenceWatch(stop);
    signal?.addEventListener('abort', stop, { once: true });
    try {
      stream = this.#session.request(
        {
          ':method': method,
          ':path': url.pathname + url.search,
          ...request.headers,
          ...(body ? { 'content-length': String(bodyLength(body)) } : {}),
        },
        { endStream: body === undefined },
      );
      return await answerOf(stream, request, silence.moved);
    } catch (error) {
      stop();
      if (signal?.aborted) throw cancelled(signal);
      if (error instanceof LifeboatError) throw error;
      const fact = silence.fellSilent ? 'it fell silent' : (error as Error).message;
      throw unreachable(this.#place, fact, error);
    } finally {
      signal?.removeEventListener('abort', stop);
      // Answered before all was sent: the rest must not be read from a buffer that its owner uses again.
      if (stream?.writableFinished === false) stop();
    }
  }
}

function answerOf(
  stream: ClientHttp2Stream,
  { method, body }: HttpRequest,
  moved: () => void,
): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    let answer: Omit<HttpAnswer, 'body'> | undefined;
    let collector: BodyCollector | undefined;
    const attempt = (step: () => void) => {
      try {
        step();
      } catch (error) {
        reject(error);
      }
    };
    const end = () =>
      attempt(() => {
        if (answer === undefined || collector === undefined) throw new Error('it did not answer');
        resolve({ ...answer, body: collector.end() });
      });
    stream.once('response', (headers) => {
      moved();
      attempt(() => {
        answer = headOf(headers);
        collector = new BodyCollector(method === 'HEAD' ? undefined : answer.lengthBytes);
      });
    });
    stream.on('data', (part: Uint8Array) => {
      moved();
      attempt(() => collector?.add(part));
    });
    stream.once('end', end);
    stream.on('error', reject);
    stream.once('close', () => {
      // Ended in order, but before `end` could be told.
      if (stream.rstCode === http2().constants.NGHTTP2_NO_ERROR) end();
      else reject(new Error('it closed the connection'));
    });
    if (body !== undefined) sendBody(stream, body, moved).catch(reject);
  });
}

function headOf(headers: IncomingHttpHeaders): Omit<HttpAnswer, 'body'> {
  const header = (name: string) => {
    const value = headers[name];
    return Array.isArray(value) ? value[0] : value;
  };
  const length = header('content-length');
  const lengthBytes = length === undefined ? undefined : Number(length);
  return { status: Number(headers[':status']), header, lengthBytes };
}
