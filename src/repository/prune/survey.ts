import { LifeboatError, type Progress, throwIfAborted } from '../../core/index.ts';
import { isDamage } from '../damage.ts';
import { decodeIndex } from '../format/index-file.ts';
import { packSizeBytes } from '../format/pack-header.ts';
import { decodeSnapshot } from '../format/snapshot-file.ts';
import { BlobIndex } from '../index/blob-index.ts';
import { StandingLocation } from '../location/standing-location.ts';
import type { Snapshot } from '../repository.ts';
import { aboutFile, type RepositoryAccess, readStoredJson } from '../stored-file.ts';

/** What is in the repository. */
export interface Survey {
  readonly snapshots: readonly Snapshot[];
  readonly indexFiles: readonly { readonly name: string; readonly sizeBytes: number }[];
  /** Size of every pack file. */
  readonly packSizes: ReadonlyMap<string, number>;
  /** The blobs of packs that are there and as long as the index says. */
  readonly index: BlobIndex;
  /** Packs that an index names otherwise than they are, with what is wrong: nothing in them counts as stored. */
  readonly unsound: ReadonlyMap<string, string>;
}

/** Under the exclusive lock. Errors: `repository.damaged` when a snapshot or an index file cannot be read. */
export async function surveyRepository(
  access: RepositoryAccess,
  options: { readonly signal?: AbortSignal | undefined; readonly progress: Progress },
): Promise<Survey> {
  const { location } = access;
  const { signal, progress } = options;
  // Snapshots before the index: each is written after the index that it needs.
  const snapshots = await readSnapshots(access, signal);
  const indexFiles = await location.list('index', signal);
  const packs = await location.list('data', signal);
  const packSizes = new Map(packs.map(({ name, sizeBytes }) => [name, sizeBytes]));
  const index = new BlobIndex();
  const unsound = new Map<string, string>();
  const task = 'read the index';
  progress({ type: 'begin', task, title: 'reading the index' });
  let done = 0;
  for (const { name } of indexFiles) {
    throwIfAborted(signal);
    for (const pack of await readIndexFile(access, name, signal)) {
      const problem = packProblem(packSizes.get(pack.name), packSizeBytes(pack.blobs));
      if (problem === undefined) index.addPack(pack);
      else unsound.set(pack.name, problem);
    }
    progress({ type: 'progress', task, done: ++done, total: indexFiles.length, unit: 'files' });
  }
  progress({ type: 'end', task });
  return { snapshots, indexFiles, packSizes, index, unsound };
}

/** What was not indexed, or only wrongly. */
export function unindexedPacks({ packSizes, index }: Survey): string[] {
  const indexed = new Set(index.packNames);
  return [...packSizes.keys()].filter((name) => !indexed.has(name));
}

export function packProblem(sizeBytes: number | undefined, wanted: number): string | undefined {
  if (sizeBytes === undefined) return 'is missing';
  return sizeBytes === wanted ? undefined : `has ${sizeBytes} bytes instead of ${wanted}`;
}

export async function readIndexFile(access: RepositoryAccess, name: string, signal?: AbortSignal) {
  return await orRefuse(async () => {
    const json = await readStoredJson(access, 'index', name, signal);
    return aboutFile('index', name, () => decodeIndex(json));
  }, 'Nothing was removed, because what this file names cannot be known. Run `lifeboat repair index`, then this again.');
}

async function readSnapshots(access: RepositoryAccess, signal?: AbortSignal): Promise<Snapshot[]> {
  const snapshots: Snapshot[] = [];
  // What no snapshot names is removed.
  const listed = await new StandingLocation(access.location).list('snapshots', signal);
  for (const { name } of listed) {
    throwIfAborted(signal);
    const snapshot = await orRefuse(async () => {
      const json = await readStoredJson(access, 'snapshots', name, signal);
      return aboutFile('snapshots', name, () => decodeSnapshot(name, json));
    }, 'Nothing was removed, because what this snapshot needs cannot be known. Restore the file from a copy of the repository, or forget it with `lifeboat repair snapshots --forget`, then run this again.');
    snapshots.push(snapshot);
  }
  return snapshots;
}

async function orRefuse<Value>(read: () => Promise<Value>, hint: string): Promise<Value> {
  try {
    return await read();
  } catch (error) {
    if (!isDamage(error)) throw error;
    throw new LifeboatError('repository.damaged', error.message, {
      hint,
      context: error.context,
      cause: error,
    });
  }
}
