/** Smaller ones may lie in a buffer that Node shares, and are not worth it. */
const leastBytes = 256 * 1024;

/**
 * Gives the memory of bytes back to the system now: the garbage collector would come for it after the work, as it sees no
 * need. The caller made them and alone has them: every view of their buffer is empty afterwards.
 */
export function giveBack({ buffer }: Uint8Array | Uint32Array): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength >= leastBytes) buffer.transfer(0);
}
