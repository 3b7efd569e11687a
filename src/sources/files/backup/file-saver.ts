import { type BigIntStats, closeSync, constants, fstatSync, openSync } from 'node:fs';
import { systemPath } from './byte-path.ts';
import type { ContentSaver } from './content-saver.ts';
import type { SavedContent } from './content-text.ts';

const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK, O_NOATIME } = constants;
/** A FIFO or a link that takes the file's place between the calls must neither hang us nor lead us elsewhere. */
const openFlags = O_RDONLY | (O_NOFOLLOW ?? 0) | (O_NONBLOCK ?? 0);
const bigints = { bigint: true } as const;

export interface SavedFile {
  readonly content: SavedContent;
  /** As it was while it was read. */
  readonly facts: BigIntStats;
  /** It changed each time it was read: the content is no state that it ever had. */
  readonly isTorn: boolean;
}

/** Reads files whole, again while they change. */
export class FileSaver {
  readonly #contents: ContentSaver;
  readonly #rereads: number;
  #withoutAtime = O_NOATIME !== undefined;

  constructor(contents: ContentSaver, options: { readonly rereads: number }) {
    this.#contents = contents;
    this.#rereads = options.rereads;
  }

  /** `seen` is what `lstat` said a moment ago. Throws what the file system says. Undefined when it is no file any more. */
  save(path: string, seen: BigIntStats): SavedFile | undefined {
    const fd = this.#open(path);
    try {
      let facts = seen;
      for (let tries = 0; ; tries++) {
        const sizeBytes = Number(facts.size);
        const isSparse = facts.blocks * 512n < facts.size;
        const content = this.#contents.save(fd, { sizeBytes, isSparse });
        const after = fstatSync(fd, bigints);
        const isTorn = content.bytes !== sizeBytes || hasChanged(facts, after);
        if (!after.isFile()) return undefined;
        if (!isTorn || tries === this.#rereads) return { content, facts: after, isTorn };
        facts = after;
      }
    } finally {
      closeSync(fd);
    }
  }

  #open(path: string): number {
    const where = systemPath(path);
    if (this.#withoutAtime) {
      try {
        return openSync(where, openFlags | O_NOATIME);
      } catch (error) {
        // Only owners may leave the time of access alone.
        if ((error as NodeJS.ErrnoException).code !== 'EPERM') throw error;
      }
    }
    return openSync(where, openFlags);
  }
}

function hasChanged(a: BigIntStats, b: BigIntStats): boolean {
  if (a.ino !== b.ino || a.dev !== b.dev) return true;
  return a.size !== b.size || a.mtimeNs !== b.mtimeNs || a.ctimeNs !== b.ctimeNs;
}
