import { loadKernel } from '../../core/index.ts';

interface Poly1305Exports {
  init(): void;
  update(at: number, length: number): void;
  finish(): void;
}

// Memory layout: kernels/poly1305.ts.
const tagAt = 32;
const dataAt = 1024;
const pages = 9;
const windowBytes = pages * 65536 - dataAt;

let kernel: ReturnType<typeof loadKernel<Poly1305Exports>> | undefined;

/**
 * The 16-byte one-time authenticator of RFC 8439 section 2.5. `r` needs no clamping. The result is a view
 * that the next call overwrites.
 */
export function poly1305(r: Uint8Array, s: Uint8Array, message: Uint8Array): Uint8Array {
  kernel ??= loadKernel<Poly1305Exports>('poly1305', pages);
  const { exports, memory } = kernel;
  memory.set(r, 0);
  memory.set(s, 16);
  exports.init();
  for (let at = 0; at < message.length; at += windowBytes) {
    const length = Math.min(windowBytes, message.length - at);
    memory.set(message.subarray(at, at + length), dataAt);
    exports.update(dataAt, length);
  }
  exports.finish();
  return memory.subarray(tagAt, tagAt + 16);
}
