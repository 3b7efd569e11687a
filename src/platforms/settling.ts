/** How long something that has no health check has to have run since its last start to count as started. */
const settleMs = 500;

/** Tells what runs from what is started again and again: each look may find that in a moment in which it runs. */
export class Settling {
  readonly #seen = new Map<string, { readonly start: string; readonly at: number }>();

  /** `start`: differs after each start. `askedAt`: when the look began, by `performance.now()`. */
  isSettled(name: string, start: string, askedAt: number): boolean {
    const first = this.#seen.get(name);
    if (first?.start === start) return askedAt - first.at >= settleMs;
    this.#seen.set(name, { start, at: performance.now() });
    return false;
  }
}
