import { createHash, randomBytes } from 'node:crypto';
import { isLifeboatError } from '../../../core/index.ts';
import type { LocationAbilities } from '../location-abilities.ts';
import type { S3Connection, S3Tools } from './s3-connection.ts';
import { nameOf, statusOf } from './s3-error.ts';

type Probe<Result> = (tools: S3Tools) => Promise<Result>;

/**
 * Tries what a bucket can do. Conditional writes are tried with a file in `lifeboat/locks/`, which even append-only
 * credentials may remove again; `readOnly` leaves that out.
 */
export async function probeS3(
  connection: S3Connection,
  prefix: string,
  options: { readonly readOnly: boolean; readonly signal?: AbortSignal | undefined },
): Promise<LocationAbilities> {
  const { signal } = options;
  const ask = async <Result>(what: string, probe: Probe<Result>): Promise<Result | undefined> => {
    try {
      return await connection.call(`could not ask for ${what}`, probe, signal);
    } catch (error) {
      // These credentials may not see it, or the server does not know the question.
      if (isLifeboatError(error, 'location.refused', 'location.file-missing')) return undefined;
      throw error;
    }
  };
  const versioning = await ask('versioning', async ({ sdk, client, bucket, options }) => {
    const answer = await client.send(
      new sdk.GetBucketVersioningCommand({ Bucket: bucket }),
      options,
    );
    return answer.Status === 'Enabled';
  });
  const lock = await ask('object lock', askForLock);
  const conditionalWrites = options.readOnly
    ? undefined
    : await ask('conditional writes', (tools) => tryConditionalWrite(tools, prefix));
  const objectLock = lock?.enabled;
  const defaultRetentionDays = lock?.days;
  const remarks = remarksOn({ conditionalWrites, versioning, objectLock, defaultRetentionDays });
  return { conditionalWrites, versioning, objectLock, defaultRetentionDays, remarks };
}

async function askForLock({ sdk, client, bucket, options }: S3Tools) {
  try {
    const { ObjectLockConfiguration: found } = await client.send(
      new sdk.GetObjectLockConfigurationCommand({ Bucket: bucket }),
      options,
    );
    const { Days, Years } = found?.Rule?.DefaultRetention ?? {};
    const days = Days ?? (Years === undefined ? undefined : Years * 365);
    return { enabled: found?.ObjectLockEnabled === 'Enabled', days };
  } catch (error) {
    if (nameOf(error) !== 'ObjectLockConfigurationNotFoundError') throw error;
    return { enabled: false, days: undefined };
  }
}

async function tryConditionalWrite(
  { sdk, client, bucket, options }: S3Tools,
  prefix: string,
): Promise<boolean> {
  const bytes = randomBytes(32);
  const name = createHash('sha256').update(bytes).digest('hex');
  const target = { Bucket: bucket, Key: `${prefix}lifeboat/locks/${name}` };
  const put = () =>
    client.send(new sdk.PutObjectCommand({ ...target, Body: bytes, IfNoneMatch: '*' }), options);
  try {
    await put();
    await put();
    return false;
  } catch (error) {
    const status = statusOf(error);
    if (status === 412) return true;
    if (status === 501 || nameOf(error) === 'NotImplemented') return false;
    throw error;
  } finally {
    await client.send(new sdk.DeleteObjectCommand(target), options).catch(() => {});
  }
}

function remarksOn(seen: Omit<LocationAbilities, 'remarks'>): LocationAbilities['remarks'] {
  const remarks: { fact: string; remedy: string }[] = [];
  if (seen.conditionalWrites === false) {
    remarks.push({
      fact: 'the server knows no conditional writes: two hosts that create a repository at the same moment are not kept apart',
      remedy: 'Create the repository from one host only.',
    });
  }
  if (seen.versioning === false) {
    remarks.push({
      fact: 'the bucket keeps no versions: whoever has these credentials can destroy every backup',
      remedy: 'Use a bucket with versioning and object lock, and `lock:` in the configuration.',
    });
  }
  if (seen.objectLock === true && seen.defaultRetentionDays !== undefined) {
    remarks.push({
      fact: `the bucket retains every new object for ${seen.defaultRetentionDays} days by itself, also locks of a few minutes`,
      remedy: 'Take the default retention out of the bucket: Lifeboat retains what has to stay.',
    });
  }
  return remarks;
}
