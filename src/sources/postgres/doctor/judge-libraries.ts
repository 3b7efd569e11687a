import { access } from 'node:fs/promises';
import { join } from 'node:path';
import type { Finding } from '../../source.ts';
import type { ServerPrograms } from '../server/index.ts';
import { ok, warning } from './finding.ts';
import type { LibraryNeed } from './server-facts.ts';

/** Libraries that come with every server, so they show where the others have to be. */
const always = 'plpgsql';
const endings = ['.so', '.dylib', '.dll', ''];

/** Whether the programs of scratch servers have what the data needs. Undefined when nobody knows where they keep their libraries. */
export async function judgeLibraries(
  programs: ServerPrograms,
  needs: readonly LibraryNeed[],
): Promise<Finding | undefined> {
  const folder = await libraryFolder(programs);
  if (folder === undefined) return undefined;
  const missing: LibraryNeed[] = [];
  for (const need of needs) if (!(await isThere(folder, need.library))) missing.push(need);
  if (missing.length === 0) {
    return ok('extensions', 'scratch servers have every library that the data needs');
  }
  const names = missing.map(({ library, why }) => `${library.replace('$libdir/', '')} (${why})`);
  return warning(
    'extensions',
    `scratch servers lack ${names.join(', ')}: what uses them cannot be read or checked there, nor restored on this machine`,
    `Install the packages of these extensions for PostgreSQL ${programs.major} on this machine (Debian: postgresql-${programs.major}-NAME), or name a folder with server programs that have them: programs: FOLDER, below the source in lifeboat.yaml.`,
  );
}

async function libraryFolder({ folder, major }: ServerPrograms): Promise<string | undefined> {
  const candidates = [
    join(folder, '../lib/postgresql'),
    join(folder, '../lib'),
    join(folder, '../lib64'),
    `/usr/lib/postgresql${major}`,
  ];
  for (const candidate of candidates) if (await isThere(candidate, always)) return candidate;
  return undefined;
}

async function isThere(folder: string, library: string): Promise<boolean> {
  const name = library.replace(/^\$libdir\//, '');
  const path = name.startsWith('/') ? name : join(folder, name);
  for (const ending of endings) {
    const found = await access(path + ending).then(
      () => true,
      () => false,
    );
    if (found) return true;
  }
  return false;
}
