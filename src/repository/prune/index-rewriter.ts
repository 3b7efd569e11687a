import type { IndexedPack } from '../format/index-file.ts';
import { packSizeBytes } from '../format/pack-header.ts';
import { IndexOutput } from '../index/index-output.ts';
import type { RepositoryAccess } from '../stored-file.ts';
import { packProblem, readIndexFile, type Survey } from './survey.ts';

/** Many index files of so few bytes are joined. */
const smallBelowBytes = 256 * 1024;
const manySmallFiles = 10;

export interface RewriteOptions {
  readonly access: RepositoryAccess;
  readonly survey: Survey;
  /** Packs that no index is to name any more. */
  readonly dropped: ReadonlySet<string>;
  /** Packs that are to be named and are not yet. */
  readonly added: readonly IndexedPack[];
  /** Throws when the lock was lost: then nothing more may be said or removed. */
  readonly confirm: () => Promise<void>;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Replaces the index files that name dropped packs. Every new file is durable before the first old one goes: killed in
 * between, packs are named twice, which changes nothing.
 */
export async function rewriteIndex(options: RewriteOptions): Promise<void> {
  const { access, survey, dropped, confirm, signal } = options;
  const small = survey.indexFiles.filter(({ sizeBytes }) => sizeBytes < smallBelowBytes);
  const joinSmall = small.length >= manySmallFiles;
  const output = new IndexOutput(access, confirm, signal);
  await output.addAll(options.added);
  const replaced: string[] = [];
  for (const { name, sizeBytes } of survey.indexFiles) {
    const packs = await readIndexFile(access, name, signal);
    const stays = packs.filter((pack) => !dropped.has(pack.name) && isSound(pack, survey));
    const isSmall = joinSmall && sizeBytes < smallBelowBytes;
    if (stays.length === packs.length && packs.length > 0 && !isSmall) continue;
    await output.addAll(stays);
    replaced.push(name);
  }
  await output.flush();
  if (replaced.length === 0) return;
  await confirm();
  for (const name of replaced) await access.location.remove('index', name, signal);
}

function isSound(pack: IndexedPack, { packSizes }: Survey): boolean {
  return packProblem(packSizes.get(pack.name), packSizeBytes(pack.blobs)) === undefined;
}
