export interface SavedContent {
  /** `"id","id"`, as it stands in a node. */
  readonly text: string;
  readonly bytes: number;
}

/** The list of a file's chunks while it is made, with places for what others save. */
export class ContentText {
  readonly #onSaved: (bytes: number) => void;
  readonly #texts: string[] = [];
  #bytes = 0;

  constructor(onSaved: (bytes: number) => void) {
    this.#onSaved = onSaved;
  }

  add(saved: SavedContent): void {
    this.fill(this.reserve(), saved);
  }

  /** A place in the order of chunks that is filled later. */
  reserve(): number {
    return this.#texts.push('') - 1;
  }

  fill(place: number, { text, bytes }: SavedContent): void {
    this.#texts[place] = text;
    this.#bytes += bytes;
    this.#onSaved(bytes);
  }

  saved(): SavedContent {
    const text = this.#texts.filter((each) => each !== '').join(',');
    return { text, bytes: this.#bytes };
  }
}
