import { throwIfAborted } from '../../core/index.ts';
import { isDamage } from '../damage.ts';
import type { IndexedPack } from '../format/index-file.ts';
import { readPackHeader } from '../repair/read-pack-header.ts';
import type { RepositoryAccess } from '../stored-file.ts';
import { type Survey, unindexedPacks } from './survey.ts';

const readsAtOnce = 8;

/**
 * Takes packs that no index names into the index in memory. Something that snapshots need was not found: an index file
 * is lost, or a program that takes no locks used what a former prune had marked.
 */
export async function recoverPacks(
  access: RepositoryAccess,
  survey: Survey,
  signal?: AbortSignal,
): Promise<IndexedPack[]> {
  const recovered: IndexedPack[] = [];
  const names = unindexedPacks(survey);
  for (let at = 0; at < names.length; at += readsAtOnce) {
    throwIfAborted(signal);
    const some = names.slice(at, at + readsAtOnce);
    const read = await Promise.all(some.map((name) => readOne(access, survey, name, signal)));
    for (const pack of read) {
      if (pack === undefined) continue;
      survey.index.addPack(pack);
      recovered.push(pack);
    }
  }
  return recovered;
}

/** Undefined when its header is no good: then it stays unindexed. */
async function readOne(
  access: RepositoryAccess,
  { packSizes }: Survey,
  name: string,
  signal?: AbortSignal,
): Promise<IndexedPack | undefined> {
  try {
    const sizeBytes = packSizes.get(name) as number;
    return { name, blobs: await readPackHeader(access, { name, sizeBytes }, signal) };
  } catch (error) {
    if (!isDamage(error)) throw error;
    return undefined;
  }
}
