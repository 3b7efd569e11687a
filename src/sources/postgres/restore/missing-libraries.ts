import { execFile } from 'node:child_process';
import { realpath, stat } from 'node:fs/promises';
import { dirname, isAbsolute, join } from 'node:path';
import { promisify } from 'node:util';
import type { ServerPrograms } from '../server/index.ts';

const run = promisify(execFile);

/** Where installations keep libraries, from the folder of the program. */
const libraryFolders = ['../lib', '../lib/postgresql', '../lib64', '../lib64/postgresql'];
/** A part of every server: the folder that holds it is the right one. */
const known = 'dict_snowball.so';

/**
 * Libraries that the settings in a data directory load at the start of the server and that are not installed here: without them it does not
 * start. Empty when that cannot be told.
 */
export async function missingLibraries(
  programs: ServerPrograms,
  dataFolder: string,
): Promise<readonly string[]> {
  const wanted = await preloaded(programs, dataFolder);
  const folder = wanted.length === 0 ? undefined : await libraryFolder(programs);
  if (folder === undefined) return [];
  const missing: string[] = [];
  for (const name of wanted) {
    const plain = name.replace(/^\$libdir\//, '');
    const path = isAbsolute(plain) ? plain : join(folder, plain);
    if (!(await isThere(path)) && !(await isThere(`${path}.so`))) missing.push(name);
  }
  return missing;
}

/** As the server itself reads its settings, whatever they include. With `-C` in front, root may ask too. */
async function preloaded(programs: ServerPrograms, dataFolder: string): Promise<readonly string[]> {
  const { stdout } = await run(
    programs.postgres,
    ['-C', 'shared_preload_libraries', '-D', dataFolder],
    { env: { LC_ALL: 'C', PATH: '/usr/local/bin:/usr/bin:/bin' }, timeout: 30_000 },
  ).catch(() => ({ stdout: '' }));
  return stdout
    .split(',')
    .map((name) => name.trim().replace(/^"(.*)"$/, '$1'))
    .filter((name) => name !== '');
}

async function libraryFolder({ postgres }: ServerPrograms): Promise<string | undefined> {
  const bin = dirname(await realpath(postgres));
  for (const folder of libraryFolders) {
    if (await isThere(join(bin, folder, known))) return join(bin, folder);
  }
  return undefined;
}

async function isThere(path: string): Promise<boolean> {
  return await stat(path).then(
    () => true,
    () => false,
  );
}
