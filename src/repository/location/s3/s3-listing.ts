import type { S3Connection } from './s3-connection.ts';

export interface S3Object {
  readonly key: string;
  readonly sizeBytes: number;
}

const hexDigits = [...'0123456789abcdef'];

/** Every object below `prefix`. Keys go on in hex digits: what does not fit one answer is asked for in 16 parts at once. */
export async function listObjects(
  connection: S3Connection,
  prefix: string,
  signal?: AbortSignal,
): Promise<readonly S3Object[]> {
  const first = await listPage(connection, prefix, undefined, signal);
  if (first.next === undefined) return first.objects;
  // What is no hex digit is no repository file, and nobody asks for it.
  const parts = await Promise.all(
    hexDigits.map((digit) => listAll(connection, `${prefix}${digit}`, signal)),
  );
  return parts.flat();
}

async function listAll(
  connection: S3Connection,
  prefix: string,
  signal: AbortSignal | undefined,
): Promise<readonly S3Object[]> {
  const objects: S3Object[] = [];
  let after: string | undefined;
  do {
    const page = await listPage(connection, prefix, after, signal);
    for (const each of page.objects) objects.push(each);
    after = page.next;
  } while (after !== undefined);
  return objects;
}

async function listPage(
  connection: S3Connection,
  prefix: string,
  after: string | undefined,
  signal: AbortSignal | undefined,
): Promise<{ readonly objects: readonly S3Object[]; readonly next: string | undefined }> {
  return await connection.call(
    `could not list ${prefix}`,
    async ({ sdk, client, bucket, options }) => {
      const page = await client.send(
        new sdk.ListObjectsV2Command({
          Bucket: bucket,
          Prefix: prefix,
          ...(after === undefined ? {} : { ContinuationToken: after }),
        }),
        options,
      );
      const objects = (page.Contents ?? []).map(({ Key = '', Size = 0 }) => ({
        key: Key,
        sizeBytes: Size,
      }));
      return { objects, next: page.IsTruncated ? page.NextContinuationToken : undefined };
    },
    signal,
  );
}
