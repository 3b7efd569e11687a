import { isDamage, type Repository, type Snapshot } from '../../../repository/index.ts';
import { PageVerifier } from '../base-backup/page-checksum.ts';
import { listPostgresSnapshots, type StoredBackup } from '../base-backup/stored-backups.ts';

/** A page of a relation, by the file it lies in. */
export interface PagePlace {
  /** Relative to the data directory. */
  readonly path: string;
  /** Within the relation. */
  readonly block: number;
  /** Number of the file's first block within the relation. */
  readonly firstBlock: number;
}

/** A snapshot; its time in ISO 8601. */
export interface PageHolder {
  readonly snapshot: string;
  readonly time: string;
}

/** When the corruption of a page began, as far as snapshots tell. */
export interface PageHistory {
  /** The newest snapshot that holds the page intact. */
  readonly intact?: PageHolder;
  /** The oldest snapshot after it that holds the page damaged; absent: the damage is in no snapshot. */
  readonly damaged?: PageHolder;
}

/**
 * Looks for a page in the stored snapshots of a source, newest first, until one holds it with the right checksum. A snapshot
 * without the page, or whose chunk cannot be read, says nothing.
 */
export async function findIntactPage(request: {
  readonly repository: Repository;
  readonly source: string;
  readonly page: PagePlace;
  readonly pageSizeBytes: number;
  readonly signal?: AbortSignal;
}): Promise<PageHistory> {
  const { repository, source, page, pageSizeBytes, signal } = request;
  const verifier = new PageVerifier(pageSizeBytes);
  let damaged: StoredBackup | undefined;
  for (const backup of await listPostgresSnapshots(repository, source, () => {})) {
    if (!backup.info.dataChecksums) continue;
    const bytes = await readStoredPage(repository, backup, page, pageSizeBytes, signal);
    if (bytes === undefined) continue;
    if (verifier.failures(bytes, page.block).length > 0) damaged = backup;
    else return { intact: about(backup), ...(damaged ? { damaged: about(damaged) } : {}) };
  }
  return damaged ? { damaged: about(damaged) } : {};
}

function about({ snapshot, info }: StoredBackup): PageHolder {
  return { snapshot: snapshot.id, time: info.stopTime };
}

/** The page as the snapshot holds it. Only the chunk is read that it lies in. */
async function readStoredPage(
  repository: Repository,
  { snapshot, info }: { readonly snapshot: Snapshot; readonly info: StoredBackup['info'] },
  { path, block, firstBlock }: PagePlace,
  pageSizeBytes: number,
  signal: AbortSignal | undefined,
): Promise<Uint8Array | undefined> {
  const { chunkSizeBytes } = info;
  if (chunkSizeBytes === undefined) return undefined;
  try {
    const node = await repository.findNode(snapshot.tree, `/data/${path}`);
    const at = (block - firstBlock) * pageSizeBytes;
    const chunk = node?.content?.[Math.floor(at / chunkSizeBytes)];
    if (node?.type !== 'file' || chunk === undefined) return undefined;
    const bytes = await repository.readBlob('data', chunk, signal);
    const start = at % chunkSizeBytes;
    const page = bytes.subarray(start, start + pageSizeBytes);
    return page.length === pageSizeBytes ? page : undefined;
  } catch (error) {
    if (!isDamage(error)) throw error;
    return undefined;
  }
}
