import { cancelled, LifeboatError, throwIfAborted } from '../../core/index.ts';

/** An answer with its whole body in memory. */
export interface RestAnswer {
  readonly status: number;
  /** What the server said the body has; undefined when it did not say. */
  readonly lengthBytes: number | undefined;
  readonly body: Uint8Array;
}

export interface RestRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Nothing heard for that long: the server is taken for gone. */
const silenceTimeoutMs = 60_000;
/** The slowest upload that is still waited for. */
const slowestBytesPerMs = 16;
/** No file of a repository is that large; a server that sends more is not one of ours. */
const maximumBodyBytes = 1024 ** 3;

/**
 * One HTTP request without redirects. Every status is an answer; what is thrown is `cancelled`, or
 * `location.unreachable` when the server cannot be reached, falls silent or breaks off.
 */
export async function restRequest(request: RestRequest): Promise<RestAnswer> {
  throwIfAborted(request.signal);
  const silence = new AbortController();
  const uploadMs = (request.body?.length ?? 0) / slowestBytesPerMs;
  let timer = setTimeout(() => silence.abort(), silenceTimeoutMs + uploadMs);
  const heard = () => {
    clearTimeout(timer);
    timer = setTimeout(() => silence.abort(), silenceTimeoutMs);
  };
  const signals = request.signal ? [silence.signal, request.signal] : [silence.signal];
  try {
    const response = await fetch(request.url, {
      method: request.method,
      headers: request.headers,
      // The cast: the types exclude shared memory, which nobody passes here.
      body: (request.body as Uint8Array<ArrayBuffer> | undefined) ?? null,
      redirect: 'manual',
      signal: AbortSignal.any(signals),
    });
    heard();
    const length = response.headers.get('content-length');
    const lengthBytes = length === null ? undefined : Number(length);
    const body = await readBody(response, request.method, lengthBytes, heard);
    return { status: response.status, lengthBytes, body };
  } catch (error) {
    if (error instanceof LifeboatError) throw error;
    if (request.signal?.aborted) throw cancelled(request.signal);
    throw unreachable(
      request.url,
      silence.signal.aborted ? 'it fell silent' : factOf(error),
      error,
    );
  } finally {
    clearTimeout(timer);
  }
}

async function readBody(
  response: Response,
  method: string,
  lengthBytes: number | undefined,
  heard: () => void,
): Promise<Uint8Array> {
  if (response.body === null || method === 'HEAD') return new Uint8Array();
  const parts: Uint8Array[] = [];
  let received = 0;
  for await (const part of response.body as AsyncIterable<Uint8Array>) {
    heard();
    received += part.length;
    if (received > maximumBodyBytes) throw new Error('it sends more than any repository file has');
    parts.push(part);
  }
  const encoded = response.headers.has('content-encoding');
  if (lengthBytes !== undefined && received !== lengthBytes && !encoded) {
    throw new Error('it broke off in the middle of its answer');
  }
  const body = new Uint8Array(received);
  let filled = 0;
  for (const part of parts) {
    body.set(part, filled);
    filled += part.length;
  }
  return body;
}

function factOf(error: unknown): string {
  const cause = (error as Error).cause as NodeJS.ErrnoException | undefined;
  return cause?.code ?? cause?.message ?? (error as Error).message;
}

function unreachable(url: URL, fact: string, cause: unknown): LifeboatError {
  return new LifeboatError('location.unreachable', `could not reach ${url.origin}: ${fact}`, {
    hint: 'See that the server runs and that this host can reach it. Trying again is safe.',
    retryable: true,
    cause,
  });
}
