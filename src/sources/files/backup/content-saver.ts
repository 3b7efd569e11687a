import { readSync } from 'node:fs';
import type { BlobId, BlobSink, ContentCutter } from '../../../repository/thread.ts';
import { chunkMaxBytes } from '../../../repository/thread.ts';
import { ContentText, type SavedContent } from './content-text.ts';
import { type ContentFacts, type Cut, FileCuts, fillFrom, zeroChunk } from './file-cuts.ts';
import type { SharedContent } from './shared-content.ts';
import type { FileRange } from './worker-messages.ts';

export interface ContentSaverOptions {
  readonly sink: Pick<BlobSink, 'save' | 'throwIfStopped'>;
  readonly cutter: ContentCutter;
  readonly shared: Pick<SharedContent, 'isAnyoneHungry' | 'give' | 'pause' | 'settle'>;
  /** By this worker, for whatever file. */
  onRead(bytes: number): void;
  /** Of the large file that this worker owns, by whomever. */
  onSaved(bytes: number): void;
}

/** While a file has so much left, others may have a part in it. */
const minSharedBytes = 16 * 1024 * 1024;
/** What one of them gets at once; less towards the end, so that all are done at the same time. */
const rangeBytes = { min: 2 * 1024 * 1024, max: 8 * 1024 * 1024 };
/** With so much to do, a helper asks for the next range already. */
const nearEndBytes = 3 * 1024 * 1024;

/** Reads open files, cuts them into chunks and saves these. One buffer serves all files of a thread. */
export class ContentSaver {
  readonly #options: ContentSaverOptions;
  readonly #buffer = Buffer.from(new ArrayBuffer(chunkMaxBytes + 1));
  #zeroChunk: BlobId | undefined;

  constructor(options: ContentSaverOptions) {
    this.#options = options;
  }

  save(fd: number, facts: ContentFacts): SavedContent {
    const { cutter, sink, onRead } = this.#options;
    if (facts.sizeBytes > cutter.minBytes) return this.#saveLarge(fd, facts);
    const bytes = this.#readSmall(fd, facts.sizeBytes);
    if (bytes > facts.sizeBytes) return this.#saveLarge(fd, { ...facts, sizeBytes: bytes });
    if (bytes === 0) return { text: '', bytes };
    onRead(bytes);
    const { id } = sink.save('data', this.#buffer.subarray(0, bytes));
    return { text: `"${id}"`, bytes };
  }

  /** Asks for one byte more, which tells whether it has grown: when there is just as much as expected, in one call. */
  #readSmall(fd: number, sizeBytes: number): number {
    const wanted = sizeBytes + 1;
    const bytes = readSync(fd, this.#buffer, 0, wanted, 0);
    // Network file systems may answer with less than there is.
    return bytes === sizeBytes ? bytes : fillFrom(fd, this.#buffer, 0, bytes, wanted);
  }

  /**
   * A part of a file that another worker cut. Cuts that no longer fit, because it is being changed, are as good as others:
   * what is read is saved, and its owner sees the change. `beforeEnd` is called when little is left.
   */
  saveRange({ fd, at, lengths }: FileRange, beforeEnd: () => void): SavedContent {
    const { sink, onRead } = this.#options;
    const ids: string[] = [];
    let bytes = 0;
    let left = lengths.reduce((sum, length) => sum + length, 0);
    let hasAsked = false;
    for (const length of lengths) {
      sink.throwIfStopped();
      if (left <= nearEndBytes && !hasAsked) {
        hasAsked = true;
        beforeEnd();
      }
      const read = fillFrom(fd, this.#buffer, at + bytes, 0, length);
      if (read > 0) ids.push(`"${sink.save('data', this.#buffer.subarray(0, read)).id}"`);
      onRead(read);
      bytes += read;
      left -= length;
      if (read < length) break;
    }
    return { text: ids.join(','), bytes };
  }

  #saveLarge(fd: number, facts: ContentFacts): SavedContent {
    const { cutter, sink, shared, onSaved } = this.#options;
    const cuts = new FileCuts(fd, facts, cutter, this.#buffer);
    const content = new ContentText(onSaved);
    const isShared = facts.sizeBytes >= minSharedBytes;
    try {
      for (;;) {
        sink.throwIfStopped();
        const cut = cuts.next();
        if (cut === undefined) break;
        content.add(this.#saveCut(cut, cuts));
        if (!isShared) continue;
        shared.pause();
        while (cuts.leftBytes >= 2 * rangeBytes.min && shared.isAnyoneHungry) {
          if (!this.#giveRange(fd, cuts, content)) break;
        }
      }
    } finally {
      // The file stays open until nobody reads it any more.
      if (isShared) shared.settle();
    }
    return content.saved();
  }

  #saveCut({ length, isHole }: Cut, cuts: FileCuts): SavedContent {
    const { sink, onRead } = this.#options;
    onRead(length);
    if (!isHole) return { text: `"${sink.save('data', cuts.bytes).id}"`, bytes: length };
    this.#zeroChunk ??= sink.save('data', zeroChunk).id;
    return { text: `"${this.#zeroChunk}"`, bytes: length };
  }

  /** Cuts ahead and has another worker read that again and save it. False when there is nothing more to give, or nobody to take it. */
  #giveRange(fd: number, cuts: FileCuts, content: ContentText): boolean {
    const wanted = Math.min(Math.max(cuts.leftBytes / 8, rangeBytes.min), rangeBytes.max);
    const { position: at } = cuts;
    const lengths: number[] = [];
    let cut: Cut | undefined;
    while (cuts.position - at < wanted) {
      cut = cuts.next(true);
      if (cut === undefined || cut.isHole) break;
      lengths.push(cut.length);
    }
    const isGiven = lengths.length === 0 || this.#give({ fd, at, lengths }, cuts, content);
    if (cut?.isHole) content.add(this.#saveCut(cut, cuts));
    return isGiven && cut !== undefined;
  }

  #give(range: FileRange, cuts: FileCuts, content: ContentText): boolean {
    const part = content.reserve();
    if (this.#options.shared.give(range, (saved) => content.fill(part, saved))) return true;
    cuts.forget();
    content.fill(
      part,
      this.saveRange(range, () => {}),
    );
    return false;
  }
}
