import { readdir, readFile, readlink, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { LifeboatError } from '../../../core/index.ts';
import type { SqlConnection } from '../sql-connection.ts';
import { readControlFile } from './control-file.ts';

/** The data directory of a server, proven to be the one that it works in. */
export interface DataPlace {
  readonly folder: string;
  /** Those of this moment: between the proof and the start of a backup some may be made. Errors: `backup.incomplete`. */
  listTablespaces(): Promise<readonly DataTablespace[]>;
}

export interface DataTablespace {
  readonly oid: number;
  /** Where it is linked to, as the server names it; '' when it lies in `pg_tblspc` itself. */
  readonly location: string;
  readonly folder: string | undefined;
}

export interface FindDataFolderOptions {
  /** A folder, or `auto`: what the server says. */
  readonly local: string;
  readonly sql: SqlConnection;
  readonly systemId: string;
  /** A slot that the server made a moment ago, by a name that nobody could know. */
  readonly slot: string;
  readonly signal: AbortSignal | undefined;
}

/** By statfs: what other hosts write there this one may see late (NFS, SMB, FUSE, 9p, Ceph, Lustre, AFS, GFS2, OCFS2). */
const foreignFileSystems = new Set([
  0x6969, 0x517b, 0xff534d42, 0xfe534d42, 0x65735546, 0x01021997, 0x00c36400, 0x0bd00bd0,
  0x5346414f, 0x01161970, 0x7461636f,
]);

/**
 * Finds the data directory and proves that it is the server's own: a path alone says nothing (another host, another container, a
 * copy), so the slot that this server just made must show in it. What cannot be proven is answered with the reason.
 */
export async function findDataFolder(
  options: FindDataFolderOptions,
): Promise<DataPlace | { readonly problem: string }> {
  const { local, sql, slot } = options;
  const named = await serverFolder(sql);
  const folder = local === 'auto' ? named : local;
  if (folder === undefined) {
    return {
      problem: 'the role may not see data_directory: grant it pg_read_all_settings',
    };
  }
  const [row] = await sql.rows<{ found: boolean }>(
    'select exists (select from pg_replication_slots where slot_name = $1) as found',
    [slot],
  );
  if (!row?.found) return { problem: 'the address leads to several servers' };
  try {
    await stat(join(folder, 'pg_replslot', slot, 'state'));
    const { type } = await statfs(folder);
    // As unsigned: the system gives some of them a sign.
    if (foreignFileSystems.has(type >>> 0))
      return { problem: `${folder} is a network file system` };
    const { systemId } = await readControlFile(folder, options.signal);
    if (systemId !== options.systemId)
      return { problem: `${folder} is of the cluster ${systemId}` };
    const find = () => findTablespaces(folder, named, slot);
    const tablespaces = await find();
    if ('problem' in tablespaces) return tablespaces;
    return { folder, listTablespaces: async () => requireFound(await find()) };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const cause = (error as Error).cause as NodeJS.ErrnoException | undefined;
    if (code === 'ENOENT') return { problem: `${folder} is not where the server works` };
    const reason = cause?.code ?? code;
    if (reason === undefined) throw error;
    return { problem: `${folder} cannot be read: ${reason}` };
  }
}

async function serverFolder(sql: SqlConnection): Promise<string | undefined> {
  const [row] = await sql.rows<{ setting: string }>(
    "select setting from pg_settings where name = 'data_directory'",
  );
  return row?.setting;
}

type Tablespaces = { readonly found: readonly DataTablespace[] } | { readonly problem: string };

function requireFound(tablespaces: Tablespaces): readonly DataTablespace[] {
  if ('found' in tablespaces) return tablespaces.found;
  throw new LifeboatError('backup.incomplete', `${tablespaces.problem}; nothing was published`, {
    hint: 'Tablespaces were made or dropped when the backup began. Run the backup again.',
    retryable: true,
  });
}

async function findTablespaces(
  folder: string,
  named: string | undefined,
  slot: string,
): Promise<Tablespaces> {
  const found: DataTablespace[] = [];
  for (const entry of await readdir(join(folder, 'pg_tblspc'), { withFileTypes: true })) {
    if (!/^[1-9]\d{0,9}$/.test(entry.name)) continue;
    const oid = Number(entry.name);
    if (entry.isDirectory()) found.push({ oid, location: '', folder: undefined });
    if (!entry.isSymbolicLink()) continue;
    const location = await linkTarget(join(folder, 'pg_tblspc', entry.name));
    if (location === undefined) continue;
    if (!(await isServersView(folder, named, slot, location))) {
      return { problem: `whether ${location} is the server's tablespace cannot be seen from here` };
    }
    found.push({ oid, location, folder: location });
  }
  return { found };
}

/** Undefined: the tablespace was dropped meanwhile. */
async function linkTarget(link: string): Promise<string | undefined> {
  try {
    return await readlink(link);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/**
 * A link of the server leads where it leads in the server's world; in a container that is elsewhere. The server's process shows
 * its world in /proc, to those who may look: its own account and root.
 */
async function isServersView(
  folder: string,
  named: string | undefined,
  slot: string,
  location: string,
): Promise<boolean> {
  if (named === undefined) return false;
  try {
    const pid = (await readFile(join(folder, 'postmaster.pid'), 'utf8')).split('\n')[0] ?? '';
    if (!/^[1-9]\d*$/.test(pid)) return false;
    const root = `/proc/${pid}/root`;
    // The number may be another process's here: this one must see the slot too.
    await stat(join(root, named, 'pg_replslot', slot, 'state'));
    const [ours, theirs] = [await stat(location), await stat(join(root, location))];
    return ours.dev === theirs.dev && ours.ino === theirs.ino;
  } catch {
    return false;
  }
}
