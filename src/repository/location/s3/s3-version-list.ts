import type { S3Connection } from './s3-connection.ts';

/** A version of an object, or a delete marker in front of older ones. */
export interface S3Version {
  readonly key: string;
  readonly versionId: string;
  readonly modified: Date;
  readonly sizeBytes: number;
  readonly isMarker: boolean;
  readonly isLatest: boolean;
  /** Equal for equal bytes, as a rule. */
  readonly tag: string;
}

/** Every version of every object whose key begins with `prefix`: key by key, the newest first. */
export async function listVersions(
  connection: S3Connection,
  prefix: string,
  signal?: AbortSignal,
): Promise<S3Version[]> {
  const versions: S3Version[] = [];
  let next: { readonly KeyMarker: string; readonly VersionIdMarker?: string } | undefined;
  do {
    const page = await connection.call(
      `could not list versions of ${prefix}`,
      ({ sdk, client, bucket, options }) =>
        client.send(
          new sdk.ListObjectVersionsCommand({ Bucket: bucket, Prefix: prefix, ...next }),
          options,
        ),
      signal,
    );
    for (const each of page.Versions ?? []) versions.push(versionOf(each, false));
    for (const each of page.DeleteMarkers ?? []) versions.push(versionOf(each, true));
    next =
      page.IsTruncated && page.NextKeyMarker
        ? {
            KeyMarker: page.NextKeyMarker,
            ...(page.NextVersionIdMarker ? { VersionIdMarker: page.NextVersionIdMarker } : {}),
          }
        : undefined;
  } while (next !== undefined);
  // Stable: versions of a key within one second stay in the order in which the server listed them.
  return versions.sort((a, b) => {
    if (a.key !== b.key) return a.key < b.key ? -1 : 1;
    if (a.isLatest !== b.isLatest) return a.isLatest ? -1 : 1;
    return b.modified.getTime() - a.modified.getTime();
  });
}

function versionOf(
  entry: {
    readonly Key?: string | undefined;
    readonly VersionId?: string | undefined;
    readonly LastModified?: Date | undefined;
    readonly Size?: number | undefined;
    readonly IsLatest?: boolean | undefined;
    readonly ETag?: string | undefined;
  },
  isMarker: boolean,
): S3Version {
  const versionId = entry.VersionId ?? 'null';
  return {
    key: entry.Key ?? '',
    versionId,
    modified: ulidTime(versionId) ?? entry.LastModified ?? new Date(0),
    sizeBytes: entry.Size ?? 0,
    isMarker,
    isLatest: entry.IsLatest ?? false,
    tag: entry.ETag ?? '',
  };
}

const ulidDigits = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const oldest = Date.UTC(2015, 0, 1);
const youngest = Date.UTC(2100, 0, 1);

/** versitygw gives a delete marker the time of what it hides; its version ids are ULIDs, which begin with the time. */
function ulidTime(versionId: string): Date | undefined {
  if (!/^[0-7][0-9A-HJKMNP-TV-Z]{25}$/.test(versionId)) return undefined;
  let timeMs = 0;
  for (const digit of versionId.slice(0, 10)) timeMs = timeMs * 32 + ulidDigits.indexOf(digit);
  return timeMs > oldest && timeMs < youngest ? new Date(timeMs) : undefined;
}
