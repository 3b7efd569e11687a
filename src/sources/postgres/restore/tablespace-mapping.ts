import { lchown, realpath, symlink } from 'node:fs/promises';
import { isAbsolute, join, relative } from 'node:path';
import { fileError, LifeboatError } from '../../../core/index.ts';
import type { PostgresBackupInfo } from '../backup-info.ts';
import type { ServerAccount } from '../server/index.ts';
import { prepareTargetFolder } from './target-folder.ts';

/** Which folder a tablespace goes to, by its OID. */
export type TablespaceMapping = ReadonlyMap<number, string>;

/** As the user says it. */
export interface TablespaceWish {
  /** Its OID, or the folder where it lay. */
  readonly tablespace: string;
  /** Absolute. */
  readonly folder: string;
}

/** The longest path that PostgreSQL takes. */
const longestPathBytes = 1000;

/** Resolves what the user wished against what the snapshot holds. Errors: `usage.invalid`. */
export function mapTablespaces(
  { tablespaces }: Pick<PostgresBackupInfo, 'tablespaces'>,
  wishes: readonly TablespaceWish[],
): TablespaceMapping {
  const mapping = new Map<number, string>();
  for (const { tablespace, folder } of wishes) {
    const found = tablespaces.find(
      ({ oid, location }) => String(oid) === tablespace || location === tablespace,
    );
    if (!found) {
      const held = tablespaces.map(({ oid, location }) => `${oid} (${location})`);
      throw invalid(
        `the snapshot has no tablespace ${JSON.stringify(tablespace)}`,
        held.length === 0 ? 'It has none at all.' : `It has ${held.join(', ')}.`,
      );
    }
    if (mapping.has(found.oid)) {
      throw invalid(`the tablespace ${found.oid} is given two folders`, 'Name one for each.');
    }
    if (Buffer.byteLength(folder) > longestPathBytes || /[\n\r]/.test(folder)) {
      throw invalid(`PostgreSQL takes no such path: ${JSON.stringify(folder.slice(0, 80))}`, '');
    }
    mapping.set(found.oid, folder);
  }
  return mapping;
}

/**
 * Makes the folders of a mapping, new or empty, apart from each other and from the data folder; those `ready` are in use by an earlier
 * run of the same restore. Errors: `usage.invalid`,
 * `target.not-empty`, `target.unsafe`.
 */
export async function prepareTablespaces(
  mapping: TablespaceMapping,
  dataFolder: string,
  account: ServerAccount | undefined,
  ready: ReadonlySet<number> = new Set(),
): Promise<void> {
  const folders = [dataFolder, ...mapping.values()];
  for (const [index, folder] of folders.entries()) {
    const other = folders.find((each, at) => at !== index && contains(each, folder));
    if (other === undefined) continue;
    throw invalid(
      `${folder} lies in ${other === folder ? 'the same folder' : other}`,
      'The data folder and each tablespace need a folder of their own, none inside of another.',
    );
  }
  for (const [oid, folder] of mapping) {
    if (!ready.has(oid)) await prepareTargetFolder(folder, account);
  }
}

/** Those whose links lead to where they are mapped to. */
export async function linkedAsMapped(
  mapping: TablespaceMapping,
  dataFolder: string,
): Promise<ReadonlySet<number>> {
  const found = new Set<number>();
  for (const [oid, folder] of mapping) {
    const real = await realpath(join(dataFolder, `pg_tblspc/${oid}`)).catch(() => undefined);
    if (real !== undefined && real === (await realpath(folder).catch(() => undefined))) {
      found.add(oid);
    }
  }
  return found;
}

/** Makes `pg_tblspc/<oid>` of the data folder a link to the folder it is mapped to. */
export async function linkTablespace(
  path: string,
  folder: string,
  account: ServerAccount | undefined,
): Promise<void> {
  try {
    await symlink(folder, path);
    if (account) await lchown(path, account.uid, account.gid);
  } catch (error) {
    throw fileError(error, `could not link ${path} to ${folder}`);
  }
}

/** The OID when `path` (relative to the data folder) is where a tablespace lies. */
export function tablespaceAt(path: string): number | undefined {
  const match = /^pg_tblspc\/(\d{1,10})$/.exec(path);
  return match ? Number(match[1]) : undefined;
}

function contains(parent: string, folder: string): boolean {
  const inner = relative(parent, folder);
  return inner === '' || (inner !== '..' && !inner.startsWith('../') && !isAbsolute(inner));
}

function invalid(fact: string, hint: string): LifeboatError {
  return new LifeboatError('usage.invalid', fact, { hint });
}
