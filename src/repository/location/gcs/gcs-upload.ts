import { createHash, randomBytes } from 'node:crypto';
import type { HttpAnswer } from '../http/http-transport.ts';
import type { GcsConnection } from './gcs-connection.ts';

export interface GcsUpload {
  readonly bucket: string;
  readonly object: string;
  readonly bytes: Uint8Array;
  /** Only if the object has this generation; 0: only if there is none. */
  readonly generation: string;
  readonly signal: AbortSignal | undefined;
}

export function md5(bytes: Uint8Array): string {
  return createHash('md5').update(bytes).digest('base64');
}

/**
 * One request with name, MD5 and bytes. Google compares the MD5 and stores nothing when it differs: the object is there
 * whole, or not at all. Not resumable: a pack is 16 MiB, and sending it again costs less than the questions would.
 */
export function uploadObject(connection: GcsConnection, upload: GcsUpload): Promise<HttpAnswer> {
  const { bucket, object, bytes, generation, signal } = upload;
  const query = new URLSearchParams({
    uploadType: 'multipart',
    name: object,
    ifGenerationMatch: generation,
    fields: 'md5Hash',
  });
  const contentType = 'application/octet-stream';
  const metadata = JSON.stringify({ name: object, contentType, md5Hash: md5(bytes) });
  const boundary = `lifeboat-${randomBytes(12).toString('hex')}`;
  const json = `content-type: application/json; charset=utf-8\r\n\r\n${metadata}`;
  const head = `--${boundary}\r\n${json}\r\n--${boundary}\r\ncontent-type: ${contentType}\r\n\r\n`;
  return connection.request({
    method: 'POST',
    path: `/upload/storage/v1/b/${encodeURIComponent(bucket)}/o?${query}`,
    headers: { 'content-type': `multipart/related; boundary=${boundary}` },
    body: [Buffer.from(head), bytes, Buffer.from(`\r\n--${boundary}--\r\n`)],
    signal,
  });
}
