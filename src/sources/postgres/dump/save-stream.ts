import type { BackupWriter, BlobId } from '../../../repository/index.ts';
import { chunkMaxBytes } from '../../../repository/thread.ts';

export interface SavedStream {
  readonly content: readonly BlobId[];
  readonly sizeBytes: number;
}

/** Chunks with the writer at once: enough to keep its threads busy. */
const inWorkMax = 8;

/** Cuts a stream by its content and saves the pieces: what came with the last dump already takes no room. */
export async function saveStream(
  writer: BackupWriter,
  stream: AsyncIterable<Buffer>,
  onBytes: (bytes: number) => void,
): Promise<SavedStream> {
  const cutter = writer.createCutter();
  const buffer = Buffer.allocUnsafeSlow(chunkMaxBytes);
  const ids: Promise<BlobId>[] = [];
  let filled = 0;
  let searched = 0;
  let sizeBytes = 0;
  const saveCuts = async (isEnd: boolean) => {
    while (filled > 0) {
      const length = cutter.cut(buffer.subarray(0, filled), isEnd, searched);
      if (length === undefined) {
        searched = filled;
        return;
      }
      // The writer takes the memory away.
      const saved = writer.saveData(new Uint8Array(buffer.subarray(0, length)));
      const id = saved.then((each) => each.id);
      id.catch(() => {});
      ids.push(id);
      buffer.copyWithin(0, length, filled);
      filled -= length;
      searched = 0;
      await ids.at(-inWorkMax);
    }
  };
  for await (const bytes of stream) {
    sizeBytes += bytes.length;
    for (let at = 0; at < bytes.length; ) {
      const length = bytes.copy(buffer, filled, at);
      at += length;
      filled += length;
      await saveCuts(false);
    }
    onBytes(bytes.length);
  }
  await saveCuts(true);
  return { content: await Promise.all(ids), sizeBytes };
}
