// Compiles every AssemblyScript kernel in kernels/ to kernels/build/<name>.wasm.
// Runs by itself on `npm install` (the prepare script). What is newer than its source stays.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';

const root = join(import.meta.dirname, '..');
const folder = join(root, 'kernels');
mkdirSync(join(folder, 'build'), { recursive: true });

const sources = readdirSync(folder).filter((file) => file.endsWith('.ts'));
for (const source of sources) {
  const output = join(folder, 'build', `${basename(source, '.ts')}.wasm`);
  if (
    changedAt(output) > Math.max(changedAt(join(folder, source)), changedAt(import.meta.filename))
  ) {
    continue;
  }
  const args = [
    join(root, 'node_modules', 'assemblyscript', 'bin', 'asc.js'),
    join(folder, source),
    '--outFile',
    output,
    '-O3',
    '--runtime',
    'stub',
    '--noAssert',
    '--enable',
    'simd',
    '--importMemory',
    '--use',
    'abort=',
  ];
  const done = spawnSync(process.execPath, args, { stdio: 'inherit' });
  if (done.status !== 0) process.exit(done.status ?? 1);
}

/** 0 when there is no such file. */
function changedAt(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}
