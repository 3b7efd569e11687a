import type { Location } from '../location.ts';
import type { LockMode } from '../object-lock.ts';
import { parseS3Address } from './s3-address.ts';
import { S3Connection } from './s3-connection.ts';
import { S3Location } from './s3-location.ts';
import type { PartSizes } from './s3-upload.ts';
import { S3VersionsLocation } from './s3-versions-location.ts';

export interface OpenS3Options {
  readonly environment: NodeJS.ProcessEnv;
  readonly lock?: { readonly durationMs: number; readonly mode: LockMode } | undefined;
  readonly partSizes?: PartSizes | undefined;
}

/** The location that `text` (`s3:...`) names. Does no work; errors are `usage.invalid`. */
export function openS3(text: string, options: OpenS3Options): Location {
  const { environment, lock, partSizes } = options;
  const address = parseS3Address(text, environment);
  const connection = new S3Connection(address, environment);
  const prefix = address.prefix === '' ? '' : `${address.prefix}/`;
  if (address.versionsAt !== undefined) {
    return new S3VersionsLocation(connection, { prefix, at: address.versionsAt });
  }
  const promise = lock && { periodMs: lock.durationMs, mode: lock.mode };
  return new S3Location(connection, { prefix, lock: promise, partSizes });
}
