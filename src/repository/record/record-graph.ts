import type { RecordFacts } from './record-index-file.ts';

/** The records that are known, and which of them no other one has seen. */
export class RecordGraph {
  readonly #facts = new Map<string, RecordFacts>();
  #seen = new Set<string>();
  #heads = new Set<string>();
  #newest = new Map<string, RecordFacts>();

  /** By id. */
  get facts(): ReadonlyMap<string, RecordFacts> {
    return this.#facts;
  }

  /** Ids, sorted. */
  get heads(): readonly string[] {
    return [...this.#heads].sort();
  }

  /** The one with the highest sequence. */
  newestOf(writer: string): RecordFacts | undefined {
    return this.#newest.get(writer);
  }

  /** Adding one twice changes nothing. */
  add(facts: RecordFacts): void {
    this.#facts.set(facts.id, facts);
    this.#count(facts);
  }

  delete(ids: readonly string[]): void {
    if (ids.length === 0) return;
    for (const id of ids) this.#facts.delete(id);
    this.#seen = new Set();
    this.#heads = new Set();
    this.#newest = new Map();
    for (const facts of this.#facts.values()) this.#count(facts);
  }

  #count(facts: RecordFacts): void {
    const { id, writer, sequence, heads } = facts;
    for (const head of heads) {
      this.#seen.add(head);
      this.#heads.delete(head);
    }
    if (!this.#seen.has(id)) this.#heads.add(id);
    if (sequence > (this.#newest.get(writer)?.sequence ?? 0)) this.#newest.set(writer, facts);
  }
}
