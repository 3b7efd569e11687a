import { LifeboatError, type Progress } from '../../../core/index.ts';
import { isDamage, type Repository, type Snapshot } from '../../../repository/index.ts';
import { snapshotsOfKind } from '../../source-tags.ts';
import type { CatalogRecord, PostgresBackupInfo } from '../backup-info.ts';
import {
  backupDocumentPath,
  catalogDocumentPath,
  parseBackupDocument,
  parseCatalogDocument,
} from './backup-document.ts';

export interface StoredBackup {
  readonly snapshot: Snapshot;
  readonly info: PostgresBackupInfo;
}

/** What a snapshot of ours says of itself. Errors: `repository.damaged`, also when it is no snapshot of PostgreSQL. */
export async function readBackupInfo(
  repository: Repository,
  snapshot: Snapshot,
): Promise<PostgresBackupInfo> {
  return parseBackupDocument(await readDocument(repository, snapshot, backupDocumentPath));
}

/** The relation map and row counts as they were when the backup began. */
export async function readBackupCatalog(
  repository: Repository,
  snapshot: Snapshot,
): Promise<CatalogRecord> {
  return parseCatalogDocument(await readDocument(repository, snapshot, catalogDocumentPath));
}

/**
 * The snapshots of PostgreSQL sources, or of one, newest first. A damaged one is passed over with a warning where somebody
 * listens; without `progress` it is an error. A repository that does not answer always is.
 */
export async function listPostgresSnapshots(
  repository: Repository,
  source?: string,
  progress?: Progress,
): Promise<readonly StoredBackup[]> {
  const found: StoredBackup[] = [];
  for (const snapshot of await snapshotsOfKind(repository, 'postgres', source, progress)) {
    try {
      found.push({ snapshot, info: await readBackupInfo(repository, snapshot) });
    } catch (error) {
      if (!progress || !isDamage(error)) throw error;
      const message = `snapshot ${snapshot.id.slice(0, 8)} is passed over: ${error.message}`;
      progress({ type: 'warning', message, hint: error.hint ?? 'Run `lifeboat check`.' });
    }
  }
  return found.sort((a, b) => b.snapshot.time.getTime() - a.snapshot.time.getTime());
}

async function readDocument(
  repository: Repository,
  snapshot: Snapshot,
  path: string,
): Promise<Uint8Array> {
  const bytes = await readStoredFile(repository, snapshot, path);
  if (bytes) return bytes;
  throw new LifeboatError(
    'repository.damaged',
    `snapshot ${snapshot.id.slice(0, 8)} has no ${path}`,
    {
      hint: 'It is no backup of PostgreSQL by this program, or it was rewritten without its description.',
      context: { snapshot: snapshot.id },
    },
  );
}

/** A small file of a snapshot; undefined when it has none of the name. */
export async function readStoredFile(
  repository: Repository,
  snapshot: Snapshot,
  path: string,
): Promise<Uint8Array | undefined> {
  const node = await repository.findNode(snapshot.tree, path);
  if (node?.type !== 'file') return undefined;
  const parts: Uint8Array[] = [];
  for (const id of node.content ?? []) parts.push(await repository.readBlob('data', id));
  return Buffer.concat(parts);
}
