import { createRequire } from 'node:module';

type Koffi = typeof import('koffi');
type Library = ReturnType<Koffi['load']>;

let library: Library | null | undefined;

/**
 * The functions that this process's own program and libraries export: Node carries OpenSSL and zstd and exports
 * them for addons. Undefined where foreign calls do not work. 8 ms at the first use in a thread.
 */
export function processLibrary(): Library | undefined {
  if (library === undefined) {
    try {
      const koffi = createRequire(import.meta.url)('koffi') as Koffi;
      library = koffi.load(null);
    } catch {
      library = null;
    }
  }
  return library ?? undefined;
}
