import { createHash } from 'node:crypto';
import type { ObjectLockMode } from '@aws-sdk/client-s3';
import { LifeboatError } from '../../../core/index.ts';
import type { S3Connection, S3Tools } from './s3-connection.ts';

/** Larger objects go up in parts. Amazon asks for parts of 5 MiB or more. */
export interface PartSizes {
  readonly wholeUpToBytes: number;
  readonly partBytes: number;
}

export const defaultPartSizes: PartSizes = {
  wholeUpToBytes: 32 * 1024 * 1024,
  partBytes: 16 * 1024 * 1024,
};
const partsAtOnce = 4;

export interface S3Upload {
  readonly key: string;
  readonly bytes: Uint8Array;
  /** SHA-256 of the bytes, hex. The server compares. */
  readonly hash: string;
  /** Nothing that is there is replaced: the server answers 412. */
  readonly onlyNew: boolean;
  readonly retention?: { readonly mode: ObjectLockMode; readonly until: Date } | undefined;
  readonly partSizes: PartSizes;
}

/** Durable when it resolves; with the id of the version where the bucket keeps versions. */
export async function uploadObject(
  connection: S3Connection,
  upload: S3Upload,
  signal?: AbortSignal,
): Promise<string | undefined> {
  const isWhole = upload.bytes.length <= upload.partSizes.wholeUpToBytes;
  return await connection.call(
    `could not write ${upload.key}`,
    (tools) => (isWhole ? putWhole(tools, upload) : putParts(tools, upload, signal)),
    signal,
  );
}

async function putWhole({ sdk, client, bucket, options }: S3Tools, upload: S3Upload) {
  const { key, bytes, hash, onlyNew } = upload;
  const command = new sdk.PutObjectCommand({
    Bucket: bucket,
    Key: key,
    Body: bytes,
    ContentLength: bytes.length,
    ContentType: 'application/octet-stream',
    ChecksumSHA256: base64(hash),
    ...(onlyNew ? { IfNoneMatch: '*' } : {}),
    ...retentionOf(upload),
  });
  // The signature needs the same hash again: 16 MiB need not be read a second time for it.
  command.middlewareStack.add(
    (next) => (args) => {
      (args.request as { headers: Record<string, string> }).headers['x-amz-content-sha256'] = hash;
      return next(args);
    },
    { step: 'build', name: 'knownHash', priority: 'low' },
  );
  return (await client.send(command, options)).VersionId;
}

async function putParts(tools: S3Tools, upload: S3Upload, signal: AbortSignal | undefined) {
  const { sdk, client, bucket, options } = tools;
  const { key, bytes, hash, onlyNew } = upload;
  // The server sees only hashes of the parts.
  if (createHash('sha256').update(bytes).digest('hex') !== hash) {
    throw new LifeboatError('repository.damaged', `${key}: its bytes do not match its name`);
  }
  const target = { Bucket: bucket, Key: key };
  const { UploadId } = await client.send(
    new sdk.CreateMultipartUploadCommand({
      ...target,
      ContentType: 'application/octet-stream',
      ChecksumAlgorithm: 'SHA256',
      ...retentionOf(upload),
    }),
    options,
  );
  try {
    const sent = await sendParts(tools, upload, UploadId, signal);
    const done = await client.send(
      new sdk.CompleteMultipartUploadCommand({
        ...target,
        UploadId,
        MultipartUpload: { Parts: sent },
        ...(onlyNew ? { IfNoneMatch: '*' } : {}),
      }),
      options,
    );
    return done.VersionId;
  } catch (error) {
    // Parts that stay cost money until a lifecycle rule takes them; the first error is the one to tell.
    await client.send(new sdk.AbortMultipartUploadCommand({ ...target, UploadId })).catch(() => {});
    throw error;
  }
}

async function sendParts(
  { sdk, client, bucket, options }: S3Tools,
  { key, bytes, partSizes: { partBytes } }: S3Upload,
  UploadId: string | undefined,
  signal: AbortSignal | undefined,
) {
  const count = Math.ceil(bytes.length / partBytes);
  const sent: { ETag?: string; PartNumber: number; ChecksumSHA256: string }[] = [];
  let next = 0;
  let failed = false;
  const sendSome = async () => {
    while (next < count && !failed && !signal?.aborted) {
      const at = next++;
      const part = bytes.subarray(at * partBytes, (at + 1) * partBytes);
      const ChecksumSHA256 = createHash('sha256').update(part).digest('base64');
      const place = { Bucket: bucket, Key: key, UploadId, PartNumber: at + 1 };
      const { ETag } = await client.send(
        new sdk.UploadPartCommand({ ...place, Body: part, ChecksumSHA256 }),
        options,
      );
      sent[at] = { PartNumber: at + 1, ChecksumSHA256, ...(ETag === undefined ? {} : { ETag }) };
    }
  };
  const lanes = Array.from({ length: Math.min(partsAtOnce, count) }, () =>
    sendSome().catch((error: unknown) => {
      failed = true;
      throw error;
    }),
  );
  // All have ended before the upload is given up: no part arrives after that.
  const ends = await Promise.allSettled(lanes);
  const failure = ends.find((end) => end.status === 'rejected');
  if (failure !== undefined) throw failure.reason;
  signal?.throwIfAborted();
  return sent;
}

function retentionOf({ retention }: S3Upload) {
  if (retention === undefined) return {};
  return { ObjectLockMode: retention.mode, ObjectLockRetainUntilDate: retention.until };
}

function base64(hash: string): string {
  return Buffer.from(hash, 'hex').toString('base64');
}
