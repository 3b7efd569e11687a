import type { CommittedTransaction } from './committed-transaction.ts';

/** The newest `limit` transactions; older ones are handed to `letGo`, one for each that comes. */
export class KeptTransactions {
  readonly #limit: number;
  readonly #letGo: (transaction: CommittedTransaction) => void;
  #ring: CommittedTransaction[] = [];
  #oldest = 0;

  constructor(limit: number, letGo: (transaction: CommittedTransaction) => void) {
    this.#limit = limit;
    this.#letGo = letGo;
  }

  add(transaction: CommittedTransaction): void {
    if (this.#ring.length < this.#limit) {
      this.#ring.push(transaction);
      return;
    }
    const replaced = this.#ring[this.#oldest];
    this.#ring[this.#oldest] = transaction;
    this.#oldest = (this.#oldest + 1) % this.#limit;
    if (replaced !== undefined) this.#letGo(replaced);
  }

  list(): readonly CommittedTransaction[] {
    return this.#ring;
  }

  /** Empties it and returns what was in it. */
  take(): CommittedTransaction[] {
    const all = this.#ring;
    this.#ring = [];
    this.#oldest = 0;
    return all;
  }
}
