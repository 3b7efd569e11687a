import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { GroundFile } from '../../config/index.ts';
import { isLifeboatError } from '../../core/index.ts';
import { type AnySource, openSqlClient, type PostgresSource } from '../../sources/index.ts';

/** Where a source goes that has no ground configured. */
export interface DefaultGround {
  /** Of a source of files: the path that was backed up, and is to be put back there. */
  readonly path?: string;
  readonly ground: GroundFile;
}

/**
 * Where the source itself is, when that is this host: the folders of files, each of its own; the data directory of a server whose
 * process is seen here; a volume into itself. Empty: that is not known, and `ground` is to be configured. Errors: `cancelled`.
 */
export async function defaultGrounds(source: AnySource): Promise<readonly DefaultGround[]> {
  switch (source.kind) {
    case 'files':
      return await foldersOf(source.settings.paths);
    case 'postgres': {
      const folder = await dataFolderOf(source);
      return folder === undefined ? [] : [{ ground: { kind: 'folder', folder } }];
    }
    case 'volume': {
      const { volume, subfolder, context, image } = source.settings;
      return [{ ground: { kind: 'docker-volume', volume, subfolder, context, image } }];
    }
    case 'postgres-dump':
      return [];
  }
}

/** A single file is put back by `restore`, which replaces it in one step. One that is gone was a folder for all we know. */
async function foldersOf(paths: readonly string[]): Promise<readonly DefaultGround[]> {
  const found: DefaultGround[] = [];
  for (const path of paths) {
    const facts = await stat(path).catch(() => undefined);
    if (facts && !facts.isDirectory()) continue;
    found.push({ path, ground: { kind: 'folder', folder: path } });
  }
  return found;
}

async function dataFolderOf({ settings }: PostgresSource): Promise<string | undefined> {
  const { local } = settings;
  if (local !== undefined && local !== 'auto' && local !== 'never') return local;
  try {
    await using opened = await openSqlClient(settings.connection);
    const { rows } = await opened.client.query<{ folder: string | null; started: string }>(
      `select (select setting from pg_settings where name = 'data_directory') as folder,
         floor(extract(epoch from pg_postmaster_start_time()))::int8::text as started`,
    );
    const [row] = rows;
    if (!row?.folder) return undefined;
    return (await isRunningFrom(row.folder, row.started)) ? row.folder : undefined;
  } catch (error) {
    // A server that is down cannot say where it was, nor one of another host show its files.
    if (isLifeboatError(error, 'cancelled')) throw error;
    return undefined;
  }
}

/** A path alone says nothing: the process that is written down there must have been started in the same second as the server. */
async function isRunningFrom(folder: string, started: string): Promise<boolean> {
  const lines = (await readFile(join(folder, 'postmaster.pid'), 'utf8')).split('\n');
  return lines[2]?.trim() === started;
}
