import ignore from 'ignore';

// Names that differ only in their case are different files.
const rules = () => ignore({ ignorecase: false });

/** Which entries are wanted, by patterns in gitignore's style over paths below what is restored. */
export class Selection {
  readonly #includes: ignore.Ignore | undefined;
  readonly #excludes: ignore.Ignore | undefined;

  constructor(includes: readonly string[], excludes: readonly string[]) {
    this.#includes = includes.length === 0 ? undefined : rules().add([...includes]);
    this.#excludes = excludes.length === 0 ? undefined : rules().add([...excludes]);
  }

  isExcluded(path: string, isFolder: boolean): boolean {
    return this.#excludes?.ignores(isFolder ? `${path}/` : path) ?? false;
  }

  /** Itself or a folder above it is wanted. */
  isIncluded(path: string, isFolder: boolean): boolean {
    return this.#includes?.ignores(isFolder ? `${path}/` : path) ?? true;
  }
}
