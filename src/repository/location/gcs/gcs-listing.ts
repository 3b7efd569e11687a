import { LifeboatError } from '../../../core/index.ts';
import { isHashName } from '../file-name.ts';
import type { FileInfo, FileKind } from '../location.ts';
import type { GcsConnection } from './gcs-connection.ts';
import { gcsError } from './gcs-error.ts';

/** All files of a kind below `folder` (which ends in a slash), page by page. */
export async function listObjects(
  connection: GcsConnection,
  options: {
    readonly bucket: string;
    readonly folder: string;
    readonly kind: FileKind;
    readonly attempted: string;
    readonly signal: AbortSignal | undefined;
  },
): Promise<FileInfo[]> {
  const { bucket, folder, kind, attempted, signal } = options;
  const files: FileInfo[] = [];
  let page: string | undefined;
  do {
    const query = new URLSearchParams({
      prefix: folder,
      fields: 'items(name,size),nextPageToken',
      maxResults: '1000',
      ...(page === undefined ? {} : { pageToken: page }),
    });
    const path = `/storage/v1/b/${encodeURIComponent(bucket)}/o?${query}`;
    const answer = await connection.request({ method: 'GET', path, signal });
    if (answer.status !== 200) throw gcsError(answer, attempted);
    const { items, nextPageToken } = listingOf(answer.body, attempted);
    for (const item of items) {
      const file = fileOf(item, folder, kind, attempted);
      if (file !== undefined) files.push(file);
    }
    page = nextPageToken;
  } while (page !== undefined);
  return files;
}

interface Listing {
  readonly items: readonly unknown[];
  readonly nextPageToken: string | undefined;
}

function listingOf(body: Uint8Array, attempted: string): Listing {
  const { items = [], nextPageToken } = answeredJson(body, attempted);
  if (!Array.isArray(items)) throw noAnswer(attempted);
  const token =
    typeof nextPageToken === 'string' && nextPageToken !== '' ? nextPageToken : undefined;
  return { items, nextPageToken: token };
}

/** The object that Google answered with. */
export function answeredJson(
  body: Uint8Array,
  attempted: string,
): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(Buffer.from(body).toString());
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  } catch {
    // Told below.
  }
  throw noAnswer(attempted);
}

/** Undefined for objects that are no files of a repository. */
function fileOf(
  item: unknown,
  folder: string,
  kind: FileKind,
  attempted: string,
): FileInfo | undefined {
  const { name, size } = (item ?? {}) as { name?: unknown; size?: unknown };
  const sizeBytes = Number(size);
  if (typeof name !== 'string' || !Number.isSafeInteger(sizeBytes)) throw noAnswer(attempted);
  const last = name.slice(name.lastIndexOf('/') + 1);
  const inside = kind === 'data' ? `${last.slice(0, 2)}/${last}` : last;
  return isHashName(last) && name === folder + inside ? { name: last, sizeBytes } : undefined;
}

function noAnswer(attempted: string): LifeboatError {
  return new LifeboatError('location.refused', `${attempted}: not an answer of Google Storage`, {
    hint: 'See what stands between this host and Google (a proxy, an emulator).',
  });
}
