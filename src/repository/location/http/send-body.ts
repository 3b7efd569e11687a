import { once } from 'node:events';
import type { Writable } from 'node:stream';

/** Small enough that the slowest link that is of any use sends it before it is taken for dead. */
const sliceBytes = 256 * 1024;

/** Sends a body slice by slice, so that `moved` tells of progress. Rejects when the stream fails. */
export async function sendBody(
  stream: Writable,
  body: readonly Uint8Array[],
  moved: () => void,
): Promise<void> {
  for (const part of body) {
    for (let at = 0; at < part.length; at += sliceBytes) {
      if (!stream.write(part.subarray(at, at + sliceBytes))) await once(stream, 'drain');
      moved();
    }
  }
  stream.end();
}
