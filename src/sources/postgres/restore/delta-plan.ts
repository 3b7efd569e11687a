import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileError, LifeboatError } from '../../../core/index.ts';
import type { Repository, TreeNode } from '../../../repository/index.ts';
import { checkSafeNode } from './safe-node.ts';
import { settingLinks } from './setting-links.ts';
import { linkedAsMapped, type TablespaceMapping, tablespaceAt } from './tablespace-mapping.ts';
import { controlAsideName, markerName } from './unfinished-restore.ts';

/** What has to be done to a data directory so that it becomes that of a snapshot. Paths are relative to it. */
export interface DeltaPlan {
  /** Folders that are missing, parents first. */
  readonly newFolders: readonly string[];
  /** All folders, for being forced to the disk. */
  readonly folders: readonly string[];
  /** All files but the control file; those that exist are compared. */
  readonly files: readonly {
    readonly path: string;
    readonly node: TreeNode;
    readonly exists: boolean;
  }[];
  readonly control: TreeNode;
  /** Files, links and whole folders that the snapshot does not have, or has as something else. */
  readonly extra: readonly string[];
}

export interface DeltaRequest {
  readonly repository: Repository;
  readonly folder: string;
  readonly data: TreeNode;
  readonly tablespaces: TablespaceMapping;
  /** Files of the snapshot that are not wanted, by path. */
  readonly skip: (path: string) => boolean;
  readonly signal?: AbortSignal;
}

const controlFile = 'global/pg_control';
/** Ours. */
const keptPaths: readonly string[] = [markerName, `global/${controlAsideName}`];
/** What a file system has at its root: `pg_wal` and tablespaces may be one of their own. */
const keptName = 'lost+found';
/** What a server keeps in `pg_wal`. */
const walEntry =
  /^([0-9A-F]{24}(\.partial|\.[0-9A-F]{8}\.backup)?|[0-9A-F]{8}\.history|xlogtemp\.\d+|RECOVERY(XLOG|HISTORY)|archive_status|summaries)$/;

/**
 * Compares the trees, not yet contents. Where the WAL and tablespaces lie is the host's affair: links there are followed. Errors:
 * `repository.damaged`, `target.unsafe`.
 */
export async function planDelta(request: DeltaRequest): Promise<DeltaPlan> {
  const walk = new DeltaWalk(request);
  await walk.folder(request.data, '', true);
  const { newFolders, folders, files, extra } = walk;
  const at = files.findIndex(({ path }) => path === controlFile);
  const [control] = at < 0 ? [] : files.splice(at, 1);
  if (control) return { newFolders, folders, files, extra, control: control.node };
  throw new LifeboatError('repository.damaged', `the snapshot holds no ${controlFile}`, {
    hint: 'It is no whole data directory. Choose another snapshot.',
  });
}

class DeltaWalk {
  readonly newFolders: string[] = [];
  readonly folders: string[] = [''];
  readonly files: { path: string; node: TreeNode; exists: boolean }[] = [];
  readonly extra: string[] = [];
  readonly #request: DeltaRequest;
  #settings: ReadonlySet<string> = new Set();
  #isWalElsewhere = false;

  constructor(request: DeltaRequest) {
    this.#request = request;
  }

  async folder(node: TreeNode, path: string, exists: boolean): Promise<void> {
    const { repository, signal, skip } = this.#request;
    if (node.subtree === undefined) return;
    const present = exists ? await this.#present(path) : new Map<string, Kind>();
    const nodes = await repository.readTree(node.subtree, signal);
    if (path === '') {
      this.#settings = await settingLinks(this.#request.folder, nodes);
      for (const name of this.#settings) present.delete(name);
      this.#isWalElsewhere = present.get('pg_wal') === 'link';
    }
    const seen = new Set<string>();
    for (const child of nodes) {
      checkSafeNode(child, path);
      const childPath = path === '' ? child.name : `${path}/${child.name}`;
      if (seen.has(child.name)) {
        throw new LifeboatError('target.unsafe', `the snapshot holds ${childPath} twice`);
      }
      if (skip(childPath) || this.#settings.has(childPath)) continue;
      seen.add(child.name);
      const kind = present.get(child.name);
      const isRight =
        kind === child.type || (kind === 'link' && (await this.#isOwnLink(childPath)));
      if (kind !== undefined && !isRight) this.extra.push(childPath);
      if (child.type === 'file') {
        this.files.push({ path: childPath, node: child, exists: isRight });
        continue;
      }
      if (!isRight) this.newFolders.push(childPath);
      this.folders.push(childPath);
      await this.folder(child, childPath, isRight);
    }
    for (const name of present.keys()) {
      const each = path === '' ? name : `${path}/${name}`;
      if (seen.has(name) || name === keptName || keptPaths.includes(each)) continue;
      // A folder elsewhere may hold what is no business of ours.
      if (path === 'pg_wal' && this.#isWalElsewhere && !walEntry.test(name)) continue;
      // In a tablespace's folder other clusters, of other versions, may have folders beside ours.
      if (tablespaceAt(path) === undefined) this.extra.push(each);
    }
  }

  async #present(path: string): Promise<Map<string, Kind>> {
    const folder = join(this.#request.folder, path);
    try {
      const entries = await readdir(folder, { withFileTypes: true });
      return new Map(
        entries.map((each) => [
          each.name,
          each.isFile()
            ? 'file'
            : each.isDirectory()
              ? 'dir'
              : each.isSymbolicLink()
                ? 'link'
                : 'other',
        ]),
      );
    } catch (error) {
      throw fileError(error, `could not look at ${folder}`);
    }
  }

  /** A tablespace that gets another folder now loses its link. */
  async #isOwnLink(path: string): Promise<boolean> {
    const { folder, tablespaces } = this.#request;
    const oid = tablespaceAt(path);
    if (path !== 'pg_wal' && oid === undefined) return false;
    if (oid !== undefined && tablespaces.has(oid)) {
      return (await linkedAsMapped(tablespaces, folder)).has(oid);
    }
    return await stat(join(folder, path)).then(
      (facts) => facts.isDirectory(),
      () => false,
    );
  }
}

type Kind = 'file' | 'dir' | 'link' | 'other';
