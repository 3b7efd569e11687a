import { closeSync, openSync, readSync } from 'node:fs';
import type { Repository } from '../../../repository/index.ts';
import { type ComparedFile, looksRandom } from '../../../sources/index.ts';

/** So much of a file tells. */
const readBytes = 64 * 1024;

export interface FilesSample {
  readonly files: number;
  /** Look like random bytes now. */
  readonly random: number;
  /** ... and did so before, as what is compressed does. */
  readonly wereRandom: number;
}

/**
 * Keeps some of the files that it is shown, each with the same chance: a few say what became of all. Algorithm R of Vitter, 1985, with a
 * fixed sequence, so that two looks at the same files give the same.
 */
export class Sample {
  readonly #most: number;
  readonly kept: ComparedFile[] = [];
  #shown = 0;
  #state = 1;

  constructor(most: number) {
    this.#most = most;
  }

  show(file: ComparedFile): void {
    this.#shown++;
    if (this.kept.length < this.#most) this.kept.push(file);
    else {
      const at = this.#next() % this.#shown;
      if (at < this.#most) this.kept[at] = file;
    }
  }

  /** Park and Miller, 1988. */
  #next(): number {
    this.#state = (this.#state * 48_271) % 2_147_483_647;
    return this.#state;
  }
}

/** How many of the files look random now, and how many did when they were stored. What cannot be read, or is too short, does not count. */
export async function examineSample(
  files: readonly ComparedFile[],
  options: {
    readonly repository: Pick<Repository, 'readBlob'>;
    readonly untilMs: number;
    readonly signal: AbortSignal;
  },
): Promise<FilesSample> {
  const { repository, untilMs, signal } = options;
  const found = { files: 0, random: 0, wereRandom: 0 };
  for (const { path, node } of files) {
    if (performance.now() >= untilMs) break;
    const isRandom = looksRandom(firstBytes(path));
    if (isRandom === undefined) continue;
    found.files++;
    if (!isRandom) continue;
    found.random++;
    const [blob] = node?.content ?? [];
    if (blob === undefined) continue;
    const stored = await repository.readBlob('data', blob, signal).catch(() => undefined);
    if (stored !== undefined && looksRandom(stored.subarray(0, readBytes)) === true) {
      found.wereRandom++;
    }
  }
  return found;
}

function firstBytes(path: string): Uint8Array {
  try {
    const fd = openSync(Buffer.from(path, 'latin1'), 'r');
    try {
      const bytes = Buffer.alloc(readBytes);
      return bytes.subarray(0, readSync(fd, bytes, 0, readBytes, 0));
    } finally {
      closeSync(fd);
    }
  } catch {
    return new Uint8Array(0);
  }
}
