/** The bytes of a folder's tree while it is made, with holes for what other work will bring. */
export class TreeText {
  #bytes = Buffer.allocUnsafe(4096);
  #used = 0;
  readonly #holes: Hole[] = [];
  #open = 0;

  /** Holes that are not filled yet. */
  get openHoles(): number {
    return this.#open;
  }

  /** Adds a node as byte text. */
  addNode(text: string): void {
    this.#reserve(text.length + 1);
    this.#used += this.#bytes.write(text, this.#used, 'latin1');
    this.#bytes[this.#used++] = 0x2c;
  }

  /** A place in the order of nodes that is filled later: with a node, several ("node,node,"), or nothing. */
  addHole(): Hole {
    const hole: Hole = { at: this.#used, text: undefined };
    this.#holes.push(hole);
    this.#open++;
    return hole;
  }

  /** A hole before everything that was cut off from the end earlier: `tail` holes follow all nodes, last one first. */
  addTailHole(): Hole {
    const hole: Hole = { at: Number.POSITIVE_INFINITY, text: undefined };
    this.#tail.push(hole);
    this.#open++;
    return hole;
  }

  readonly #tail: Hole[] = [];

  fill(hole: Hole, nodes: Uint8Array | string): void {
    hole.text = typeof nodes === 'string' ? Buffer.from(nodes, 'latin1') : nodes;
    this.#open--;
  }

  /** All nodes, each with a comma behind it; what is not there yet is left out, or has a `stand-in`. */
  nodes(standIn?: { readonly hole: Hole; readonly node: string }): Buffer {
    const parts: Uint8Array[] = [];
    let from = 0;
    for (const hole of [...this.#holes, ...this.#tail.toReversed()]) {
      const { at } = hole;
      const text = hole === standIn?.hole ? Buffer.from(standIn.node, 'latin1') : hole.text;
      const upTo = Math.min(at, this.#used);
      if (upTo > from) parts.push(this.#bytes.subarray(from, upTo));
      from = upTo;
      if (text !== undefined && text.length > 0) parts.push(text);
    }
    parts.push(this.#bytes.subarray(from, this.#used));
    return parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts);
  }

  #reserve(more: number): void {
    if (this.#used + more <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, this.#used + more));
    this.#bytes.copy(larger, 0, 0, this.#used);
    this.#bytes = larger;
  }
}

export interface Hole {
  readonly at: number;
  text: Uint8Array | undefined;
}

/** A tree from its nodes, each with a comma behind it. */
export function wholeTree(nodes: Buffer): Buffer {
  const inner = nodes.length === 0 ? nodes : nodes.subarray(0, -1);
  return Buffer.concat([Buffer.from('{"nodes":['), inner, Buffer.from(']}\n')]);
}
