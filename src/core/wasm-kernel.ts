import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { LifeboatError } from './errors.ts';

// The same depth from src/core and from dist/core.
const folder = join(import.meta.dirname, '..', '..', 'kernels', 'build');
const compiled = new Map<string, WebAssembly.Module>();

export interface WasmKernel<Exports> {
  readonly exports: Exports;
  /** The kernel's whole memory. Fixed: kernels never grow it, so views on it stay valid. */
  readonly memory: Uint8Array;
}

/**
 * Instantiates `kernels/<name>.ts` with a memory of its own of `pages` 64 KiB pages. Synchronous, some
 * hundred microseconds. Compiled once per thread.
 */
export function loadKernel<Exports>(name: string, pages: number): WasmKernel<Exports> {
  let module = compiled.get(name);
  if (module === undefined) {
    module = new WebAssembly.Module(codeOf(name));
    compiled.set(name, module);
  }
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
  const instance = new WebAssembly.Instance(module, { env: { memory } });
  return { exports: instance.exports as Exports, memory: new Uint8Array(memory.buffer) };
}

function codeOf(name: string): Uint8Array<ArrayBuffer> {
  const file = join(folder, `${name}.wasm`);
  try {
    return readFileSync(file);
  } catch (cause) {
    throw new LifeboatError('bug', `the kernel ${file} cannot be read`, {
      hint: 'In a checkout, `npm install` compiles it (or `node scripts/build-kernels.ts` alone).',
      cause,
    });
  }
}
