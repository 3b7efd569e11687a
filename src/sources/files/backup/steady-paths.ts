import { type BigIntStats, lstatSync } from 'node:fs';

/**
 * What was asked for is the same thing at the end as at the begin? A file that goes meanwhile is nothing odd, but a whole path that does (a disk
 * that is unmounted, a folder that is removed or exchanged) takes everything with it that was not reached.
 */
export class SteadyPaths {
  readonly #seen: ReadonlyMap<string, string | undefined>;

  constructor(paths: readonly string[]) {
    this.#seen = new Map(paths.map((path) => [path, identityOf(path)]));
  }

  /** Those that are gone, out of reach, or something else by now. Does not throw. */
  changed(): readonly string[] {
    return [...this.#seen].flatMap(([path, before]) =>
      before !== undefined && before !== identityOf(path) ? [path] : [],
    );
  }
}

function identityOf(path: string): string | undefined {
  let facts: BigIntStats | undefined;
  try {
    facts = lstatSync(path, { bigint: true, throwIfNoEntry: false });
  } catch {
    // A way that is none any more, a server that does not answer: no reason to throw away what was read.
    return 'unreachable';
  }
  // Programs replace a file by another one as a matter of course.
  return facts && (facts.isDirectory() ? `${facts.dev} ${facts.ino}` : 'no folder');
}
