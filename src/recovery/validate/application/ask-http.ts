import { readFile } from 'node:fs/promises';
import http from 'node:http';
import https from 'node:https';

export interface HttpRequest {
  readonly url: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** File with the certificates that are trusted instead of the system's. */
  readonly caFile?: string;
  readonly signal: AbortSignal;
}

export interface HttpAnswer {
  readonly status: number;
  readonly location: string | undefined;
  /** UTF-8, at most `bodyBytesMax` of it. */
  readonly body: string;
  readonly isCut: boolean;
}

/** An answer may be endless. */
export const bodyBytesMax = 4 * 1024 * 1024;

/** One request over a connection of its own; redirects are not followed. Rejects with Node's error when there is no whole answer. */
export async function askHttp(request: HttpRequest): Promise<HttpAnswer> {
  const { url, method, headers, body, caFile, signal } = request;
  const isTls = new URL(url).protocol === 'https:';
  const ca = caFile === undefined ? undefined : await readFile(caFile);
  return await new Promise((resolve, reject) => {
    const sent = (isTls ? https : http).request(
      url,
      {
        method,
        headers: {
          ...headers,
          ...(body === undefined ? {} : { 'content-length': Buffer.byteLength(body) }),
        },
        agent: false,
        signal,
        ...(ca ? { ca } : {}),
      },
      (answer) => {
        const parts: Buffer[] = [];
        let bytes = 0;
        const finish = (isCut: boolean) =>
          resolve({
            status: answer.statusCode ?? 0,
            location: answer.headers.location,
            body: Buffer.concat(parts).toString('utf8'),
            isCut,
          });
        answer.on('data', (part: Buffer) => {
          const room = bodyBytesMax - bytes;
          parts.push(part.subarray(0, room));
          bytes += part.length;
          if (bytes <= bodyBytesMax) return;
          finish(true);
          answer.destroy();
        });
        answer.on('end', () => {
          if (answer.complete) finish(false);
          else reject(new Error('the answer ended early'));
        });
        answer.on('error', reject);
      },
    );
    sent.on('error', reject);
    sent.end(body);
  });
}
