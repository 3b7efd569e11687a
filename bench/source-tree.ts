import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

const sourceSuffix =
  /\.(h|c|cc|cpp|hpp|py|js|mjs|ts|go|rs|md|txt|json|xml|html|rst|s|S|pl|pm|sh|java|toml|ya?ml|css|svg|po|tcl|rb|el|conf|cmake|proto)$/;
const largestBytes = 256 * 1024;
const filesPerFolder = 40;

export interface SourceTree {
  readonly folder: string;
  readonly files: number;
  readonly bytes: number;
}

/** A tree of up to `wanted` small source files: copies of those this machine has, so that they compress as real ones do. */
export function makeSourceTree(folder: string, wanted: number): SourceTree {
  let [files, bytes] = [0, 0];
  for (const path of sourceFiles(['/usr', homedir()])) {
    const into = join(
      folder,
      String(Math.floor(files / 4000)),
      String(Math.floor(files / filesPerFolder)),
    );
    if (files % filesPerFolder === 0) mkdirSync(into, { recursive: true });
    copyFileSync(path, join(into, `${files}-${path.split('/').at(-1)}`));
    bytes += statSync(path).size;
    files++;
    if (files === wanted) break;
  }
  return { folder, files, bytes };
}

function* sourceFiles(roots: readonly string[]): Generator<string> {
  for (const root of roots) {
    for (const entry of readdirSync(root, { withFileTypes: true })) {
      const path = join(root, entry.name);
      if (entry.isDirectory()) yield* filesBelow(path);
      else if (isSource(path)) yield path;
    }
  }
}

function* filesBelow(folder: string): Generator<string> {
  let entries: ReturnType<typeof listed>;
  try {
    entries = listed(folder);
  } catch {
    return;
  }
  for (const entry of entries) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* filesBelow(path);
    else if (entry.isFile() && isSource(path)) yield path;
  }
}

const listed = (folder: string) => readdirSync(folder, { withFileTypes: true });

function isSource(path: string): boolean {
  if (!sourceSuffix.test(path)) return false;
  try {
    const { size } = statSync(path);
    return size > 0 && size <= largestBytes;
  } catch {
    return false;
  }
}

/** Appends a line to every twentieth file. */
export function changeSourceTree({ folder, files }: SourceTree): void {
  let number = 0;
  for (const path of filesIn(folder)) {
    if (number % 20 === 0) appendFileSync(path, `changed ${number} of ${files}\n`);
    number++;
  }
}

export function* filesIn(folder: string): Generator<string> {
  for (const entry of listed(folder)) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* filesIn(path);
    else yield path;
  }
}

/** Reads every file, so that the page cache holds it (a tar to /dev/null would read nothing). */
export function warm(folder: string): void {
  for (const path of filesIn(folder)) readFileSync(path);
}

/** Empties the page cache; false where this process may not. */
export function chill(): boolean {
  spawnSync('sync');
  return (
    spawnSync('sh', ['-c', 'echo 3 > /proc/sys/vm/drop_caches'], { stdio: 'ignore' }).status === 0
  );
}
