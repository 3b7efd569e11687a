import type { FreezeItem, FreezeRecord } from './freeze-record.ts';
import type { FreezeStore } from './freeze-store.ts';

type Changes = Partial<Omit<FreezeRecord, 'format' | 'id' | 'revision'>>;

/** The record of a freeze while it is worked on: every change of it is durable before the promise resolves. */
export class FreezeJournal {
  #record: FreezeRecord;
  readonly #store: FreezeStore;

  constructor(store: FreezeStore, record: FreezeRecord) {
    this.#store = store;
    this.#record = record;
  }

  get record(): FreezeRecord {
    return this.#record;
  }

  async save(changes: Changes): Promise<void> {
    const next = this.next(changes);
    await this.#store.save(next);
    this.#record = next;
  }

  /** What `save` will make of it. */
  next(changes: Changes): FreezeRecord {
    return { ...this.#record, ...changes, revision: this.#record.revision + 1 };
  }

  /** Notes what became of an item; `problem: undefined` takes a former one away. */
  async note(
    name: string,
    change: { readonly state?: FreezeItem['state']; readonly problem: string | undefined },
  ): Promise<void> {
    const items = this.#record.items.map((item): FreezeItem => {
      if (item.name !== name) return item;
      const { problem: _, ...rest } = item;
      const { state = item.state, problem } = change;
      return { ...rest, state, ...(problem === undefined ? {} : { problem }) } as FreezeItem;
    });
    const before = this.#record.items.find((item) => item.name === name);
    const after = items.find((item) => item.name === name);
    // A second freeze finds all done: then not even its record is written anew.
    if (before?.state === after?.state && before?.problem === after?.problem) return;
    await this.save({ items });
  }
}
