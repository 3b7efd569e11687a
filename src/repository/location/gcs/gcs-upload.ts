import { createHash, randomBytes } from 'node:crypto';
import { isLifeboatError, sleep } from '../../../core/index.ts';
import type { HttpAnswer } from '../http/http-transport.ts';
import { defaultRetryOptions, RetryPauses } from '../retry-pauses.ts';
import type { GcsConnection } from './gcs-connection.ts';
import { gcsError } from './gcs-error.ts';

export interface GcsUpload {
  readonly bucket: string;
  readonly object: string;
  readonly bytes: Uint8Array;
  /** Only if the object has this generation; 0: only if there is none. */
  readonly generation: string;
  readonly signal: AbortSignal | undefined;
}

/** Above that, what was sent before the connection broke is not sent again. */
export const resumableBytes = 20 * 2 ** 20;
/** A multiple of 256 KiB, as Google wants it. */
const pieceBytes = 8 * 2 ** 20;
const resumeOptions = { ...defaultRetryOptions, attempts: 4, longestPauseMs: 4_000 };

export function md5(bytes: Uint8Array): string {
  return createHash('md5').update(bytes).digest('base64');
}

/** Google compares the MD5 and stores nothing when it differs. The object is there whole, or not at all. */
export function uploadObject(connection: GcsConnection, upload: GcsUpload): Promise<HttpAnswer> {
  return upload.bytes.length > resumableBytes
    ? uploadInPieces(connection, upload)
    : uploadAtOnce(connection, upload);
}

function pathOf({ bucket, object, generation }: GcsUpload, type: string): string {
  const query = new URLSearchParams({
    uploadType: type,
    name: object,
    ifGenerationMatch: generation,
    fields: 'md5Hash',
  });
  return `/upload/storage/v1/b/${encodeURIComponent(bucket)}/o?${query}`;
}

function metadataOf({ object, bytes }: GcsUpload): string {
  const contentType = 'application/octet-stream';
  return JSON.stringify({ name: object, contentType, md5Hash: md5(bytes) });
}

function uploadAtOnce(connection: GcsConnection, upload: GcsUpload): Promise<HttpAnswer> {
  const boundary = `lifeboat-${randomBytes(12).toString('hex')}`;
  const json = `content-type: application/json; charset=utf-8\r\n\r\n${metadataOf(upload)}`;
  const head = `--${boundary}\r\n${json}\r\n--${boundary}\r\ncontent-type: application/octet-stream\r\n\r\n`;
  return connection.request({
    method: 'POST',
    path: pathOf(upload, 'multipart'),
    headers: { 'content-type': `multipart/related; boundary=${boundary}` },
    body: [Buffer.from(head), upload.bytes, Buffer.from(`\r\n--${boundary}--\r\n`)],
    signal: upload.signal,
  });
}

async function uploadInPieces(connection: GcsConnection, upload: GcsUpload): Promise<HttpAnswer> {
  const { bytes, signal, object } = upload;
  const begun = await connection.request({
    method: 'POST',
    path: pathOf(upload, 'resumable'),
    headers: {
      'content-type': 'application/json; charset=utf-8',
      'x-upload-content-type': 'application/octet-stream',
      'x-upload-content-length': String(bytes.length),
    },
    body: [Buffer.from(metadataOf(upload))],
    signal,
  });
  const session = begun.header('location');
  if (begun.status !== 200 || session === undefined) return begun;
  const url = new URL(session);
  const send = (range: string, body: Uint8Array) =>
    connection.requestSession({
      method: 'PUT',
      url,
      headers: { 'content-range': `bytes ${range}/${bytes.length}` },
      body: [body],
      signal,
    });
  const pauses = new RetryPauses(resumeOptions);
  let sent = 0;
  for (let lost = false; ; ) {
    try {
      const end = Math.min(bytes.length, sent + pieceBytes);
      const answer = lost
        ? await send('*', new Uint8Array())
        : await send(`${sent}-${end - 1}`, bytes.subarray(sent, end));
      if (answer.status >= 500) throw gcsError(answer, `could not write ${object}`);
      if (answer.status !== 308) return answer;
      lost = false;
      // What has arrived for good, which may be less than what was sent.
      sent = Number(/^bytes=0-(\d+)$/.exec(answer.header('range') ?? '')?.[1] ?? -1) + 1;
    } catch (error) {
      if (!isLifeboatError(error, 'location.unreachable')) throw error;
      const pauseMs = pauses.after(error, true);
      if (pauseMs === undefined) throw error;
      await sleep(pauseMs, signal);
      lost = true;
    }
  }
}
