import { nameFromNodeText } from '../../../repository/thread.ts';

const opening = '{"nodes":[';
const nameKey = '{"name":"';
const between = `},${nameKey}`;

/**
 * The nodes of a folder in a former snapshot, as byte text, walked in the order of their names. Nothing is decoded that is not
 * asked for. A tree in a form that neither restic nor Lifeboat writes has no nodes: then everything counts as new.
 */
export class ParentFolder {
  readonly #text: string;
  /** Where the next node begins; -1 behind the last. */
  #at: number;
  #end = 0;
  #name = '';
  /** Nodes that were passed over: what they stand for is gone. */
  #missing = 0;

  constructor(tree: Buffer) {
    this.#text = tree.toString('latin1');
    this.#at = this.#text.startsWith(`${opening}${nameKey}`) ? opening.length : -1;
    this.#read();
  }

  /** The text of the node of that name. Each name must sort behind the one before. */
  find(name: string): string | undefined {
    while (this.#at >= 0 && this.#name < name) {
      this.#missing++;
      this.#next();
    }
    if (this.#at < 0 || this.#name !== name) return undefined;
    const node = this.#text.slice(this.#at, this.#end);
    this.#next();
    return node;
  }

  /** How many nodes no name was asked for, up to `name` or to the end. */
  countMissing(name?: string): number {
    while (this.#at >= 0 && (name === undefined || this.#name < name)) {
      this.#missing++;
      this.#next();
    }
    return this.#missing;
  }

  /** Passes over what sorts before `name`, as if it had not been there. */
  startAt(name: string): void {
    while (this.#at >= 0 && this.#name < name) this.#next();
  }

  #next(): void {
    this.#at = this.#text.startsWith(between, this.#end - 1) ? this.#end + 1 : -1;
    this.#read();
  }

  #read(): void {
    if (this.#at < 0) return;
    const nameStart = this.#at + nameKey.length;
    const nameEnd = this.#quoteAfter(nameStart);
    const name = nameFromNodeText(this.#text.slice(nameStart, nameEnd));
    this.#end = this.#endOfNode(nameEnd);
    // Out of order, or damaged: the rest cannot be told apart.
    if (name === undefined || name <= this.#name || this.#end < 0) this.#at = -1;
    else this.#name = name;
  }

  #endOfNode(from: number): number {
    for (let at = from; ; at++) {
      at = this.#text.indexOf(between, at);
      if (at < 0) {
        const last = this.#text.lastIndexOf('}]}');
        return last < from ? -1 : last + 1;
      }
      // Extended attributes look alike, but have no type.
      const end = this.#quoteAfter(at + between.length);
      if (this.#text.startsWith('","type":"', end)) return at + 1;
    }
  }

  /** The quote that ends the JSON string whose text begins at `from`. */
  #quoteAfter(from: number): number {
    const text = this.#text;
    for (let at = text.indexOf('"', from); at >= 0; at = text.indexOf('"', at + 1)) {
      let backslashes = 0;
      while (text[at - 1 - backslashes] === '\\') backslashes++;
      if (backslashes % 2 === 0) return at;
    }
    return text.length;
  }
}
