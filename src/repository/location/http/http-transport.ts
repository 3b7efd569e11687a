import type { Secret } from '../../../core/index.ts';

export interface HttpRequest {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE';
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  /** The header `authorization`, apart from the others so that nothing shows it by mistake. */
  readonly authorization?: Secret | undefined;
  /** Sent one after the other. */
  readonly body?: readonly Uint8Array[] | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** An answer with its whole body in memory. */
export interface HttpAnswer {
  readonly status: number;
  /** The first value of a header; names in lower case. */
  readonly header: (name: string) => string | undefined;
  /** What the server said the body has; undefined when it did not say. */
  readonly lengthBytes: number | undefined;
  readonly body: Uint8Array;
}

/**
 * One HTTP request without redirects. Every status is an answer; what is thrown is `cancelled`, `location.unreachable`
 * (retryable) when the server cannot be reached, falls silent or breaks off, or `location.refused` when its
 * certificate is not trusted.
 */
export interface HttpTransport {
  request(request: HttpRequest): Promise<HttpAnswer>;
  /** Ends idle connections, or the program that is spoken to. A later request starts anew. */
  close(): Promise<void>;
}

export function bodyLength(body: readonly Uint8Array[]): number {
  return body.reduce((sum, part) => sum + part.length, 0);
}
