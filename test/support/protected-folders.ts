import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { Installation } from './installation.ts';

/** Sources of files, each backed up; their folders. */
export async function protectedFolders(
  place: Installation,
  names: readonly string[],
): Promise<readonly string[]> {
  const folders = names.map((name) => join(place.folder, name));
  for (const folder of folders) {
    mkdirSync(folder);
    for (const name of ['1', '2', '3']) writeFileSync(join(folder, name), `content ${name}`);
  }
  const sources = names.map((name, at) => `  ${name}: { kind: files, paths: [${folders[at]}] }`);
  place.configureText(`sources:\n${sources.join('\n')}\nrecovery: { watch: 1s }\n`);
  for (const name of names) expect((await place.run('backup', name)).exitCode).toBe(0);
  return folders;
}
