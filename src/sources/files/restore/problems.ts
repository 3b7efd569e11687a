/** An entry that is not as it should be. */
export interface RestoreProblem {
  readonly path: string;
  readonly problem: string;
}

/** Attributes that could not be set, gathered by kind: as an ordinary user it is every file's owner. */
export interface AttributeProblem {
  /** For people: "owner", "extended attribute user.x". */
  readonly attribute: string;
  readonly code: string;
  readonly entries: number;
  /** The first of them. */
  readonly path: string;
}

export interface ProblemList {
  /** The first thousand. */
  readonly named: readonly RestoreProblem[];
  readonly total: number;
  readonly attributes: readonly AttributeProblem[];
}

const maxNamed = 1000;
const maxAttributes = 200;

/** Collects what went wrong without stopping for it, in bounded memory. */
export class Problems {
  readonly #named: RestoreProblem[] = [];
  readonly #attributes = new Map<string, AttributeProblem>();
  #total = 0;

  add(path: string, problem: string): void {
    this.#total++;
    if (this.#named.length < maxNamed) this.#named.push({ path, problem });
  }

  addAttribute(attribute: string, code: string, path: string, entries = 1): void {
    const key = `${attribute} ${code}`;
    const known = this.#attributes.get(key);
    if (known === undefined && this.#attributes.size >= maxAttributes) return;
    const sum = { attribute, code, path: known?.path ?? path };
    this.#attributes.set(key, { ...sum, entries: (known?.entries ?? 0) + entries });
  }

  addAll({ named, total, attributes }: ProblemList): void {
    for (const each of named) if (this.#named.length < maxNamed) this.#named.push(each);
    this.#total += total;
    for (const each of attributes) {
      this.addAttribute(each.attribute, each.code, each.path, each.entries);
    }
  }

  list(): ProblemList {
    return { named: this.#named, total: this.#total, attributes: [...this.#attributes.values()] };
  }
}
