import type { S3Connection } from './s3-connection.ts';
import { nameOf, statusOf } from './s3-error.ts';

/** Size and version of an object as it is now; undefined when there is none. */
export interface S3Head {
  readonly sizeBytes: number;
  readonly modified: Date | undefined;
  readonly versionId: string | undefined;
  /** SHA-256 as the server keeps it, hex, when it was uploaded with one as a whole. */
  readonly hash: string | undefined;
}

export async function headObject(
  connection: S3Connection,
  key: string,
  versionId?: string,
  signal?: AbortSignal,
): Promise<S3Head | undefined> {
  return await connection.call(
    `could not look for ${key}`,
    async ({ sdk, client, bucket, options }) => {
      try {
        const head = await client.send(
          new sdk.HeadObjectCommand({
            Bucket: bucket,
            Key: key,
            ChecksumMode: 'ENABLED',
            ...(versionId === undefined ? {} : { VersionId: versionId }),
          }),
          options,
        );
        const sum = head.ChecksumSHA256;
        return {
          sizeBytes: head.ContentLength ?? 0,
          modified: head.LastModified,
          versionId: head.VersionId,
          // With a dash it is the checksum of checksums of parts.
          hash: sum && !sum.includes('-') ? Buffer.from(sum, 'base64').toString('hex') : undefined,
        };
      } catch (error) {
        if (isAbsent(error)) return undefined;
        throw error;
      }
    },
    signal,
  );
}

/** Undefined when the version is under no retention. HEAD says it only of the current version at some servers. */
export async function retentionOf(
  connection: S3Connection,
  key: string,
  versionId: string,
  signal?: AbortSignal,
): Promise<{ readonly mode: string; readonly until: Date } | undefined> {
  return await connection.call(
    `could not ask for the retention of ${key}`,
    async ({ sdk, client, bucket, options }) => {
      try {
        const command = { Bucket: bucket, Key: key, VersionId: versionId };
        const answer = await client.send(new sdk.GetObjectRetentionCommand(command), options);
        const { Mode, RetainUntilDate } = answer.Retention ?? {};
        if (Mode === undefined || RetainUntilDate === undefined) return undefined;
        return { mode: Mode.toLowerCase(), until: RetainUntilDate };
      } catch (error) {
        if (nameOf(error) === 'NoSuchObjectLockConfiguration') return undefined;
        throw error;
      }
    },
    signal,
  );
}

/** 404, also of a delete marker; not of a missing bucket, which HEAD cannot tell apart: listing does. */
function isAbsent(error: unknown): boolean {
  return statusOf(error) === 404 && nameOf(error) !== 'NoSuchBucket';
}
