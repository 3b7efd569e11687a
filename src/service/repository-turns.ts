interface Waiter {
  readonly task: string;
  readonly isExclusive: boolean;
  readonly start: () => void;
}

/**
 * The order of work on one repository inside this process. Backups and copies go on side by side. What takes the exclusive
 * lock waits until there are none, and never holds up one that comes later: a backup must not wait for hours because
 * another long one runs. (Other processes are told by the repository's own locks.)
 */
export class RepositoryTurns {
  readonly #onWait: (task: string, waitsFor: readonly string[]) => void;
  readonly #running = new Set<Waiter>();
  #waiting: Waiter[] = [];

  /** `onWait`: told when a task cannot begin at once, and because of what. */
  constructor(onWait: (task: string, waitsFor: readonly string[]) => void) {
    this.#onWait = onWait;
  }

  shared<Result>(task: string, work: () => Promise<Result>): Promise<Result> {
    return this.#take(task, false, work);
  }

  exclusive<Result>(task: string, work: () => Promise<Result>): Promise<Result> {
    return this.#take(task, true, work);
  }

  async #take<Result>(
    task: string,
    isExclusive: boolean,
    work: () => Promise<Result>,
  ): Promise<Result> {
    const turn = Promise.withResolvers<void>();
    const waiter: Waiter = { task, isExclusive, start: turn.resolve };
    this.#waiting.push(waiter);
    this.#startThoseThatMay();
    if (!this.#running.has(waiter)) {
      this.#onWait(
        task,
        [...this.#running].map((each) => each.task),
      );
    }
    await turn.promise;
    try {
      return await work();
    } finally {
      this.#running.delete(waiter);
      this.#startThoseThatMay();
    }
  }

  #startThoseThatMay(): void {
    if ([...this.#running].some((each) => each.isExclusive)) return;
    for (const each of this.#waiting) if (!each.isExclusive) this.#start(each);
    const [first] = this.#waiting;
    if (first !== undefined && this.#running.size === 0) this.#start(first);
  }

  #start(waiter: Waiter): void {
    this.#waiting = this.#waiting.filter((each) => each !== waiter);
    this.#running.add(waiter);
    waiter.start();
  }
}
