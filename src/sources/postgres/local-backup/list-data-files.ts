import { type BigIntStats, lstatSync, readdirSync } from 'node:fs';

/** An entry of the data directory that belongs into a backup. Paths are byte text (latin1 of the bytes). */
export interface DataEntry {
  /** As in the snapshot, relative to the data directory; tablespaces lie below `pg_tblspc/<oid>`. */
  readonly path: string;
  /** Where it is read from. */
  readonly from: string;
  readonly isFolder: boolean;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtimeSeconds: number;
  readonly sizeBytes: number;
}

export interface DataFolders {
  /** Byte text. */
  readonly folder: string;
  /** `folder`: where its files lie, byte text; undefined for a folder of `pg_tblspc` itself. */
  readonly tablespaces: readonly { readonly oid: number; readonly folder: string | undefined }[];
}

// What a base backup of the server leaves out: excludeDirContents, excludeFiles and sendDir of basebackup.c, 13 to 18.

/** Of these only the folder itself. */
const emptied = new Set([
  'pg_stat_tmp',
  'pg_replslot',
  'pg_dynshmem',
  'pg_notify',
  'pg_serial',
  'pg_snapshots',
  'pg_subtrans',
]);
const leftOut = new Set([
  'postgresql.auto.conf.tmp',
  'current_logfiles.tmp',
  'backup_label',
  'tablespace_map',
  'backup_manifest',
  'postmaster.pid',
  'postmaster.opts',
  '.DS_Store',
]);
/** They would make a copy a standby. */
const leftOutAbove = new Set(['standby.signal', 'recovery.signal']);
const leftOutBeginnings = ['pgsql_tmp', 'pg_internal.init'];
/** Only the empty folders: WAL is chosen when the end of the backup is known. */
const walFolders = ['archive_status', 'summaries'];

const temporaryRelation = /^t\d+_\d+(?:_(?:fsm|vm|init))?(?:\.\d+)?$/;
const relationFile = /^(\d+)(?:_(?:fsm|vm))?(?:\.\d+)?$/;

/**
 * All that a backup of the data directory consists of but WAL and pg_control, folders before what is in them. What vanishes
 * meanwhile is passed over: WAL has its end. Throws what the file system says.
 */
export function listDataFiles({ folder, tablespaces }: DataFolders): readonly DataEntry[] {
  const entries: DataEntry[] = [];
  const others = new Set(tablespaces.map((each) => each.folder));
  const walk = (path: string, from: string) => {
    const names = namesIn(from);
    const known = new Set(names);
    const holdsRelations = /^(?:base\/\d+|pg_tblspc\/\d+\/PG_[^/]+\/\d+)$/.test(path);
    for (const name of names) {
      if (isLeftOut(path, name) || (holdsRelations && isTransient(name, known))) continue;
      const child = path === '' ? name : `${path}/${name}`;
      const facts = lookAt(`${from}/${name}`);
      if (facts === undefined) continue;
      if (child === 'pg_wal') addWalFolders(facts);
      else if (child === 'pg_tblspc') {
        entries.push(entryOf(child, `${from}/${name}`, facts));
        addTablespaces();
      } else if (facts.isFile()) entries.push(entryOf(child, `${from}/${name}`, facts));
      else if (facts.isDirectory() && !others.has(`${from}/${name}`)) {
        entries.push(entryOf(child, `${from}/${name}`, facts));
        if (!emptied.has(name)) walk(child, `${from}/${name}`);
      } else if (facts.isSymbolicLink() && emptied.has(name)) {
        // Some put it elsewhere; its contents do not matter.
        entries.push({ ...entryOf(child, from, facts), isFolder: true, mode: 0o700 });
      }
    }
  };
  const addWalFolders = (facts: BigIntStats) => {
    // It may be a link to another disk.
    const entry = { ...entryOf('pg_wal', '', facts), isFolder: true, mode: 0o700, sizeBytes: 0 };
    entries.push(entry);
    for (const name of walFolders) {
      const isThere = lookAt(`${folder}/pg_wal/${name}`)?.isDirectory() ?? false;
      if (isThere) entries.push({ ...entry, path: `pg_wal/${name}` });
    }
  };
  const addTablespaces = () => {
    for (const { oid, folder: elsewhere } of tablespaces) {
      const path = `pg_tblspc/${oid}`;
      const from = elsewhere ?? `${folder}/${path}`;
      const facts = lookAt(from);
      if (facts === undefined) continue;
      entries.push({ ...entryOf(path, from, facts), mode: 0o700 });
      for (const name of namesIn(from).filter((each) => each.startsWith('PG_'))) {
        const versionFacts = lookAt(`${from}/${name}`);
        if (!versionFacts?.isDirectory()) continue;
        entries.push(entryOf(`${path}/${name}`, `${from}/${name}`, versionFacts));
        walk(`${path}/${name}`, `${from}/${name}`);
      }
    }
  };
  walk('', folder);
  return entries;
}

function isLeftOut(path: string, name: string): boolean {
  if (leftOut.has(name) || leftOutBeginnings.some((each) => name.startsWith(each))) return true;
  if (path === '' && leftOutAbove.has(name)) return true;
  // Read last: a restore trusts what it says of the pages.
  return path === 'global' && name === 'pg_control';
}

/** Of a session, or of an unlogged relation, of which only the init fork counts. */
function isTransient(name: string, names: ReadonlySet<string>): boolean {
  if (temporaryRelation.test(name)) return true;
  const relation = relationFile.exec(name)?.[1];
  return relation !== undefined && names.has(`${relation}_init`);
}

function namesIn(from: string): readonly string[] {
  try {
    return readdirSync(Buffer.from(from, 'latin1'), { encoding: 'latin1' });
  } catch (error) {
    if (isGone(error)) return [];
    throw error;
  }
}

function lookAt(from: string): BigIntStats | undefined {
  try {
    return lstatSync(Buffer.from(from, 'latin1'), { bigint: true });
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
}

function isGone(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ENOENT' || code === 'ENOTDIR';
}

function entryOf(path: string, from: string, facts: BigIntStats): DataEntry {
  return {
    path,
    from,
    isFolder: facts.isDirectory(),
    mode: Number(facts.mode & 0o7777n),
    uid: Number(facts.uid),
    gid: Number(facts.gid),
    mtimeSeconds: Math.floor(Number(facts.mtimeMs) / 1000),
    sizeBytes: facts.isDirectory() ? 0 : Number(facts.size),
  };
}
