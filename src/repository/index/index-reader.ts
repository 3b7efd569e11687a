import { giveBack, isLifeboatError, throwIfAborted } from '../../core/index.ts';
import { decodeIndex } from '../format/index-file.ts';
import { scanIndex } from '../format/index-scan.ts';
import { aboutFile, type RepositoryAccess, readStoredBytes } from '../stored-file.ts';
import { BlobIndex } from './blob-index.ts';

export interface LoadedIndex {
  readonly blobs: BlobIndex;
  /** The index files that `blobs` was made of. */
  readonly files: Set<string>;
  /** Those of them that could not be read, with what is wrong: what only they name is not found. */
  readonly damaged: Map<string, string>;
}

/**
 * The repository's index as it is now. Builds on `former`, whose files are not read again, unless one of them is
 * gone: then packs may be gone as well, and everything is read anew. `former` grows file by file, and keeps that when a
 * later one fails; who stores a file meanwhile may add it too. A damaged file is passed over, so that what other files
 * name can still be restored. Blobs in packs `without` are known only if another pack holds them too.
 */
export async function loadIndex(
  access: RepositoryAccess,
  former?: LoadedIndex,
  signal?: AbortSignal,
  without: ReadonlySet<string> = new Set(),
): Promise<LoadedIndex> {
  const listed = (await access.location.list('index', signal)).map(({ name }) => name);
  const files = new Set(listed);
  const extended = former !== undefined && [...former.files].every((name) => files.has(name));
  const base: LoadedIndex = extended
    ? former
    : { blobs: new BlobIndex(), files: new Set(), damaged: new Map() };
  for (const name of listed) {
    if (base.files.has(name)) continue;
    throwIfAborted(signal);
    try {
      const json = await readStoredBytes(access, 'index', name, signal);
      // Whoever stored it may have added it just now.
      if (base.files.has(name)) continue;
      const columns = scanIndex(json);
      if (columns !== undefined) {
        giveBack(json);
        base.blobs.addColumns(columns, without);
        giveBack(columns.ids);
        giveBack(columns.places);
      } else {
        // Another program's way of writing it, or damage.
        for (const pack of aboutFile('index', name, () => decodeIndex(json.toString('utf8')))) {
          if (!without.has(pack.name)) base.blobs.addPack(pack);
        }
      }
    } catch (error) {
      if (!isLifeboatError(error, 'repository.damaged')) throw error;
      base.damaged.set(name, error.message);
    }
    base.files.add(name);
  }
  return base;
}
