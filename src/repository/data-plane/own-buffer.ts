/**
 * `bytes` as a view on a whole ArrayBuffer that can be transferred to another thread: itself when it is one, else a
 * copy (small Buffers share a pool; shared memory cannot be transferred).
 */
export function ownBuffer(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const { buffer } = bytes;
  if (buffer instanceof ArrayBuffer && buffer.byteLength === bytes.length) {
    return new Uint8Array(buffer);
  }
  return new Uint8Array(bytes);
}
