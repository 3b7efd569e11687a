import { constants, readSync } from 'node:fs';
import ignore from 'ignore';
import type { Snapshot } from '../../../repository/index.ts';
import {
  absolutePatterns,
  cacheMark,
  type PresenceMark,
  rulesFromStored,
} from '../left-out-rules.ts';
import { closeDescriptor, openAt } from '../system/index.ts';
import type { OpenFolder } from './open-folders.ts';

/** What the backup would have left out: that it is not in the snapshot is no reason to delete it. Plain data: it goes to the threads. */
export interface LeftOutSetup {
  /** What one of these sets leaves out is left out. Their paths begin at the machine's root. */
  readonly patternSets: readonly (readonly string[])[];
  readonly presenceMarks: readonly PresenceMark[];
  readonly maxFileBytes: number | undefined;
  /** Where on the machine the target's root stood when it was backed up; several where that is not known. */
  readonly bases: readonly string[];
}

export function leftOutSetup(
  { excludes = [], paths }: Pick<Snapshot, 'excludes' | 'paths'>,
  bases: readonly string[],
): LeftOutSetup {
  const { patterns, presenceMarks, maxFileBytes } = rulesFromStored(excludes);
  return {
    patternSets: [absolutePatterns(patterns, paths), patterns.map(asResticMeansIt)],
    presenceMarks,
    maxFileBytes,
    bases,
  };
}

/** restic ties only patterns that begin with a slash, and means files too by one that ends with it. */
function asResticMeansIt(pattern: string): string {
  const sign = pattern.startsWith('!') ? '!' : '';
  const bare = pattern.slice(sign.length).replace(/(?<=.)\/+$/, '');
  return `${sign}${bare.startsWith('/') ? bare : `**/${bare}`}`;
}

export class LeftOut {
  readonly #setup: LeftOutSetup;
  readonly #sets: readonly ignore.Ignore[];

  constructor(setup: LeftOutSetup) {
    this.#setup = setup;
    this.#sets = setup.patternSets.map((set) => ignore({ ignorecase: false }).add([...set]));
  }

  /** `path` is relative to the target. */
  matches(path: string, isFolder: boolean, sizeBytes: bigint): boolean {
    const { bases, maxFileBytes } = this.#setup;
    if (!isFolder && maxFileBytes !== undefined && sizeBytes > BigInt(maxFileBytes)) return true;
    return bases.some((base) => {
      const full = `${base === '' ? '' : `${base}/`}${path}${isFolder ? '/' : ''}`;
      return this.#sets.some((set) => set.ignores(full));
    });
  }

  /** A folder of whose contents the backup takes the mark and nothing else. `stored`: the names that the snapshot has in it. */
  isMarked(
    folder: OpenFolder,
    names: readonly string[],
    stored: ReadonlySet<string> = new Set(),
  ): boolean {
    // Who wrote the snapshot may not have said that it leaves out caches: a cache that is nothing but its mark says it.
    if (stored.size === 1 && stored.has(cacheMark.name)) return true;
    return this.#setup.presenceMarks.some(({ name, header }) => {
      if (stored.has(name) && !names.includes(name)) return true;
      return names.includes(name) && beginsWith(folder, name, header);
    });
  }
}

function beginsWith(folder: OpenFolder, name: string, header: string | undefined): boolean {
  if (header === undefined) return true;
  try {
    const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
    const fd = openAt(folder.fd, Buffer.from(name), flags);
    try {
      const bytes = Buffer.alloc(header.length);
      readSync(fd, bytes, 0, header.length, 0);
      return bytes.toString('latin1') === header;
    } finally {
      closeDescriptor(fd);
    }
  } catch {
    return false;
  }
}
