import type { S3Connection } from './s3-connection.ts';

/** A version of an object, or a delete marker in front of older ones. */
export interface S3Version {
  readonly key: string;
  readonly versionId: string;
  readonly modified: Date;
  readonly sizeBytes: number;
  readonly isMarker: boolean;
  readonly isLatest: boolean;
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
  },
  isMarker: boolean,
): S3Version {
  return {
    key: entry.Key ?? '',
    versionId: entry.VersionId ?? 'null',
    modified: entry.LastModified ?? new Date(0),
    sizeBytes: entry.Size ?? 0,
    isMarker,
    isLatest: entry.IsLatest ?? false,
  };
}
