import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export const root = join(import.meta.dirname, '../..');

/** Files of the tree that git tracks or would track, relative to the root. */
export function projectFiles(): string[] {
  const listing = execFileSync('git', ['ls-files', '-co', '--exclude-standard'], { cwd: root });
  return listing
    .toString()
    .split('\n')
    .filter((file) => file !== '' && existsSync(join(root, file)));
}

export function textOf(file: string): string {
  return readFileSync(join(root, file), 'utf8');
}

export function lineCount(file: string): number {
  return textOf(file).split('\n').length - 1;
}
