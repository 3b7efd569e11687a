import { addAbortSignal, type Readable } from 'node:stream';
import { isLifeboatError } from '../../../core/index.ts';
import type { ByteRange } from '../location.ts';
import type { S3Connection } from './s3-connection.ts';
import { brokeOff, endsEarly, s3Error, statusOf } from './s3-error.ts';

/** No file of a repository is that large; a server that sends more is not one of ours. */
const maximumBytes = 1024 ** 3;

export interface S3Source {
  readonly key: string;
  readonly versionId?: string | undefined;
  readonly range?: ByteRange | undefined;
}

/** The whole object or exactly the range. Errors: `location.*`, `repository.damaged` when it ends early. */
export async function readObject(
  connection: S3Connection,
  { key, versionId, range }: S3Source,
  signal?: AbortSignal,
): Promise<Uint8Array> {
  const attempted = `could not read ${key}`;
  if (range?.length === 0) return new Uint8Array();
  return await connection.call(
    attempted,
    async ({ sdk, client, bucket, options }) => {
      const answer = await client
        .send(
          new sdk.GetObjectCommand({
            Bucket: bucket,
            Key: key,
            ...(versionId === undefined ? {} : { VersionId: versionId }),
            ...(range && { Range: `bytes=${range.offset}-${range.offset + range.length - 1}` }),
          }),
          options,
        )
        .catch((error: unknown) => {
          if (statusOf(error) === 416) throw endsEarly(attempted);
          throw s3Error(error, attempted, signal);
        });
      const isPart = answer.ContentRange !== undefined;
      // A server may ignore the range and send everything: then the part is cut out here.
      const skip = range && !isPart ? range.offset : 0;
      const body = answer.Body as Readable;
      const bytes = await readBody(body, answer.ContentLength, attempted, signal);
      if (range === undefined) return bytes;
      if (isPart && !answer.ContentRange?.startsWith(`bytes ${range.offset}-`)) {
        throw brokeOff(attempted);
      }
      if (bytes.length < skip + range.length) throw endsEarly(attempted);
      return bytes.subarray(skip, skip + range.length);
    },
    signal,
  );
}

async function readBody(
  body: Readable,
  lengthBytes: number | undefined,
  attempted: string,
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  if (signal !== undefined) addAbortSignal(signal, body);
  const expected = lengthBytes ?? 0;
  if (expected > maximumBytes) throw tooLarge(body, attempted);
  let bytes = new Uint8Array(expected);
  let filled = 0;
  try {
    for await (const part of body as AsyncIterable<Uint8Array>) {
      if (filled + part.length > maximumBytes) throw tooLarge(body, attempted);
      if (filled + part.length > bytes.length) {
        const larger = new Uint8Array((filled + part.length) * 2);
        larger.set(bytes.subarray(0, filled));
        bytes = larger;
      }
      bytes.set(part, filled);
      filled += part.length;
    }
  } catch (error) {
    if (isLifeboatError(error) || signal?.aborted) throw error;
    throw brokeOff(attempted, error);
  }
  if (lengthBytes !== undefined && filled !== lengthBytes) throw brokeOff(attempted);
  return bytes.subarray(0, filled);
}

function tooLarge(body: Readable, attempted: string): Error {
  body.destroy();
  return brokeOff(attempted, new Error('it sends more than any repository file has'));
}
