import { formatCount, isLifeboatError, type Progress, silentProgress } from '../../core/index.ts';
import type { FileInfo } from '../location/location.ts';
import type { RepositoryAccess } from '../stored-file.ts';
import type { BlobIndex } from './blob-index.ts';
import { type LoadedIndex, loadIndex } from './index-reader.ts';

/** More are counted, not named. */
const mostNames = 3;

/** A listing of packs that is under way. */
export interface PackListing {
  readonly files: Promise<readonly FileInfo[] | undefined>;
}

export interface DependableIndex {
  /** Only blobs in packs that are there. */
  readonly blobs: BlobIndex;
  /** What is wrong with the repository; told to `progress` as well. */
  readonly warnings: readonly string[];
}

/** Begins to list the packs, so that it goes on while the index is read. Undefined where the place refuses to tell. */
export function listPacks(access: RepositoryAccess, signal?: AbortSignal): PackListing {
  const files = access.location.list('data', signal).catch((error: unknown) => {
    if (isLifeboatError(error, 'location.refused')) return undefined;
    throw error;
  });
  // Whoever awaits it may end before.
  files.catch(() => {});
  return { files };
}

/**
 * What a writer may refer to without storing it: blobs that an index names and whose packs are there and long enough. A
 * pack that is gone, or that a full disk cut short, would else be referred to by each new snapshot until somebody checks.
 * `loaded` was read under a lock, so that nobody removes packs that it names.
 */
export async function dependableIndex(options: {
  readonly access: RepositoryAccess;
  readonly loaded: LoadedIndex;
  readonly listing: PackListing;
  readonly signal?: AbortSignal | undefined;
  readonly progress?: Progress | undefined;
}): Promise<DependableIndex> {
  const { access, loaded, listing, signal, progress = silentProgress } = options;
  const warnings: string[] = [];
  const warn = (message: string, hint: string) => {
    warnings.push(message);
    progress({ type: 'warning', message, hint });
  };
  for (const problem of loaded.damaged.values()) {
    const hint = 'What only it names is stored again. Run `lifeboat check`.';
    warn(`passed over: ${problem}`, hint);
  }
  let lacking = lackingPacks(loaded.blobs, await listing.files);
  // Packs that another backup added while they were listed are there, and only looked absent.
  if (lacking.length > 0) {
    lacking = lackingPacks(loaded.blobs, await listPacks(access, signal).files);
  }
  if (lacking.length === 0) return { blobs: loaded.blobs, warnings };
  warn(describe(lacking), hint);
  const { blobs } = await loadIndex(access, undefined, signal, new Set(lacking));
  return { blobs, warnings };
}

function lackingPacks(blobs: BlobIndex, files: readonly FileInfo[] | undefined): readonly string[] {
  if (files === undefined) return [];
  const sizes = new Map(files.map(({ name, sizeBytes }) => [name, sizeBytes]));
  const ends = blobs.packEnds();
  return blobs.packNames.filter((name, number) => {
    const sizeBytes = sizes.get(name);
    return sizeBytes === undefined || sizeBytes < (ends[number] as number);
  });
}

const hint =
  'Run `lifeboat check` to see which snapshots need them, then `lifeboat repair index`, which takes them out of the index.';

function describe(lacking: readonly string[]): string {
  const names = lacking.slice(0, mostNames).map((name) => name.slice(0, 16));
  const more = lacking.length > names.length ? ` and ${lacking.length - names.length} more` : '';
  const packs =
    lacking.length === 1
      ? 'a pack that the index names is missing or cut short'
      : `${formatCount(lacking.length)} packs that the index names are missing or cut short`;
  return `${packs} (${names.join(', ')}${more}): what only ${lacking.length === 1 ? 'it' : 'they'} held is stored again if it is still there`;
}
