import type { StreamState } from '../../sources/index.ts';

interface Pending {
  readonly position: bigint;
  readonly atMs: number;
}

/**
 * Measures the recovery point: how long a commit that the database confirmed was not yet safe from the loss of the
 * database host (fsynced in the spool) and of both hosts (durable in the repository).
 */
export class CommitLag {
  readonly #toSpool = new LagMeter();
  readonly #toRepository = new LagMeter();

  committed(position: bigint): void {
    const pending = { position, atMs: performance.now() };
    this.#toSpool.push(pending);
    this.#toRepository.push(pending);
  }

  follow(state: StreamState): void {
    if (state.written !== undefined) this.#toSpool.reached(state.written);
    if (state.flushed !== undefined) this.#toRepository.reached(state.flushed);
  }

  /** Longest times so far, also of commits that are still on their way. */
  worst(): { readonly spoolMs: number; readonly repositoryMs: number } {
    return { spoolMs: this.#toSpool.worstMs(), repositoryMs: this.#toRepository.worstMs() };
  }
}

class LagMeter {
  #pending: Pending[] = [];
  #worstMs = 0;

  push(pending: Pending): void {
    this.#pending.push(pending);
  }

  reached(position: bigint): void {
    const now = performance.now();
    const safe = this.#pending.findIndex((each) => each.position > position);
    const done = this.#pending.splice(0, safe === -1 ? this.#pending.length : safe);
    if (done[0]) this.#worstMs = Math.max(this.#worstMs, now - done[0].atMs);
  }

  worstMs(): number {
    const oldest = this.#pending[0];
    return Math.max(this.#worstMs, oldest ? performance.now() - oldest.atMs : 0);
  }
}
