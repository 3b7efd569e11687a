import { bindForeign } from '../../core/index.ts';

/** Binds a function by its prototype in C. Throws where there is none of that name. */
export type BindFunction = <Call>(prototype: string) => Call;

/**
 * Binds functions that this process's own program and libraries export: Node carries OpenSSL and zstd and exports
 * them for addons. Undefined where that fails, or foreign calls do not work.
 */
export function bindToProcess<Calls>(
  bind: (func: BindFunction) => Calls | undefined,
): Calls | undefined {
  try {
    return bindForeign((koffi) => {
      const library = koffi.load(null);
      return bind(<Call>(prototype: string) => library.func(prototype) as Call);
    });
  } catch {
    return undefined;
  }
}
