import type { FileKind } from '../location/location.ts';
import type { LockMode, StoredVersion } from '../location/object-lock.ts';
import type { RecordStore } from '../record/record.ts';

/** A file of a repository: in restic's own area, or in the nested one. */
export interface FilePlace {
  readonly area: '' | 'lifeboat';
  readonly kind: FileKind;
  readonly name: string;
}

export interface RetainedFile extends FilePlace {
  readonly version: StoredVersion;
}

export const recordKind = 'object-versions';
/** Some hundred kilobytes: what a record should have at most. */
const filesPerRecord = 2000;
const formatVersion = 1;

export function pathOf({ area, kind, name }: FilePlace): string {
  const path = kind === 'config' ? 'config' : `${kind}/${name}`;
  return area === '' ? path : `${area}/${path}`;
}

/**
 * Writes down which version of each file is the genuine one and how long it is retained. A name is the SHA-256 of the
 * bytes; only the config's is said. Layout: docs/formats/object-versions.md.
 */
export async function recordVersions(
  records: RecordStore,
  about: {
    readonly place: string;
    readonly mode: LockMode;
    readonly snapshot: string;
    readonly configHash: string;
  },
  files: readonly RetainedFile[],
): Promise<void> {
  for (let at = 0; at < files.length; at += filesPerRecord) {
    const some = files.slice(at, at + filesPerRecord).map((file) => {
      const { versionId, sizeBytes, retainedUntil } = file.version;
      const until = Math.floor((retainedUntil?.getTime() ?? 0) / 1000);
      return [pathOf(file), versionId, sizeBytes, until];
    });
    const body = { version: formatVersion, ...about, files: some };
    await records.append({ kind: recordKind, source: '', body });
  }
}

/** By path, what earlier records say of this place; what they say of another one, or wrongly, is passed over. */
export async function recordedVersions(
  records: RecordStore,
  place: string,
): Promise<Map<string, StoredVersion>> {
  const versions = new Map<string, StoredVersion>();
  for (const { body } of await records.list({ kind: recordKind })) {
    const { version, place: where, files } = (body ?? {}) as Readonly<Record<string, unknown>>;
    if (version !== formatVersion || where !== place || !Array.isArray(files)) continue;
    for (const entry of files as readonly unknown[]) {
      if (!Array.isArray(entry)) continue;
      const [path, versionId, sizeBytes, until] = entry as readonly unknown[];
      if (typeof path !== 'string' || typeof versionId !== 'string') continue;
      if (typeof sizeBytes !== 'number' || typeof until !== 'number') continue;
      versions.set(path, { versionId, sizeBytes, retainedUntil: new Date(until * 1000) });
    }
  }
  return versions;
}
