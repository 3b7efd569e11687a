import { throwIfAborted } from '../../core/index.ts';
import { decodeIndex } from '../format/index-file.ts';
import { aboutFile, type RepositoryAccess, readStoredJson } from '../stored-file.ts';
import { BlobIndex } from './blob-index.ts';

export interface LoadedIndex {
  readonly blobs: BlobIndex;
  /** The index files that `blobs` was made of. */
  readonly files: Set<string>;
}

/**
 * The repository's index as it is now. Builds on `former`, whose files are not read again, unless one of them is
 * gone: then packs may be gone as well, and everything is read anew. Errors: `repository.damaged`.
 */
export async function loadIndex(
  access: RepositoryAccess,
  former?: LoadedIndex,
  signal?: AbortSignal,
): Promise<LoadedIndex> {
  const listed = (await access.location.list('index', signal)).map(({ name }) => name);
  const files = new Set(listed);
  const extended = former !== undefined && [...former.files].every((name) => files.has(name));
  const base = extended ? former : { blobs: new BlobIndex(), files: new Set<string>() };
  const { blobs } = base;
  for (const name of listed) {
    if (base.files.has(name)) continue;
    throwIfAborted(signal);
    const json = await readStoredJson(access, 'index', name, signal);
    aboutFile('index', name, () => {
      for (const pack of decodeIndex(json)) blobs.addPack(pack);
    });
  }
  return { blobs, files };
}
