import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const files = 120;
const folders = 8;

/** A folder whose every byte follows from one number; the next number changes a tenth of its files. */
export function writeState(folder: string, state: number): void {
  for (const [path, bytes] of statesFiles(state)) {
    const file = join(folder, path);
    mkdirSync(join(file, '..'), { recursive: true });
    if (!existsSync(file) || !readFileSync(file).equals(bytes)) writeFileSync(file, bytes);
  }
  writeFileSync(join(folder, 'state'), String(state));
}

/** 0 before the first one was written whole. */
export function stateOf(folder: string): number {
  const file = join(folder, 'state');
  return existsSync(file) ? Number(readFileSync(file, 'utf8')) : 0;
}

/** What differs from that state: missing, other and foreign files. */
export function differences(folder: string, state: number): string[] {
  const wanted = new Map(statesFiles(state)).set('state', Buffer.from(String(state)));
  const found = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1));
  const foreign = found.filter((path) => !wanted.has(path));
  const wrong = [...wanted].filter(([path, bytes]) => {
    const file = join(folder, path);
    return !existsSync(file) || !readFileSync(file).equals(bytes);
  });
  return [...foreign, ...wrong.map(([path]) => path)];
}

function statesFiles(state: number): [path: string, bytes: Buffer][] {
  return Array.from({ length: files }, (_, number) => {
    const version = Math.floor((state + number) / 10);
    const seed = createHash('sha256').update(`${number} ${version}`).digest();
    const repeats = 1 + (seed.readUInt16LE(0) % 3000);
    // Random at the front, so that contents differ; the rest compresses.
    const bytes = Buffer.concat([seed, Buffer.alloc(repeats * 40, seed.subarray(0, 13))]);
    return [join(`folder-${number % folders}`, `file-${number}`), bytes];
  });
}
