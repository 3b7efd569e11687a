import { isLifeboatError, LifeboatError } from '../../core/index.ts';
import { type FreezeHolder, holdsOf, withHolder } from './freeze-holds.ts';
import type { FreezeGap, FreezeItem, FreezeRecord, FrozenPlace } from './freeze-record.ts';
import { isFrozen } from './freeze-record.ts';
import { giveUpAlone } from './may-go-on.ts';

/** What a freeze is going to do, put together before anything is changed. */
export class FreezeDraft {
  readonly #former: FreezeRecord;
  readonly #items = new Map<string, FreezeItem>();
  readonly #places = new Map<string, FrozenPlace>();
  readonly #seenAt = new Date().toISOString();
  readonly notes: string[] = [];
  readonly gaps: FreezeGap[] = [];

  /** What of the record is still frozen stays as it is recorded; what was thawed is seen anew. */
  constructor(record: FreezeRecord) {
    this.#former = record;
    for (const item of record.items.filter(isFrozen)) this.#items.set(item.name, item);
  }

  get freeze(): string {
    return this.#former.id;
  }

  get places(): Readonly<Record<string, FrozenPlace>> {
    return Object.fromEntries(this.#places);
  }

  get items(): readonly FreezeItem[] {
    return [...this.#items.values()];
  }

  find<Kind extends FreezeItem['kind']>(
    kind: Kind,
    isIt: (item: Extract<FreezeItem, { kind: Kind }>) => boolean,
  ): Extract<FreezeItem, { kind: Kind }> | undefined {
    return this.items.find(
      (item): item is Extract<FreezeItem, { kind: Kind }> =>
        item.kind === kind && isIt(item as Extract<FreezeItem, { kind: Kind }>),
    );
  }

  /** A new item, or one that is there with more to do, or for more sources; its former state is never another one. */
  put(item: FreezeItem): void {
    const known = this.#items.get(item.name);
    const sources = [...new Set([...(known?.sources ?? []), ...item.sources])];
    const seen = known === undefined ? { recordedAt: this.#seenAt } : {};
    this.#items.set(item.name, { ...item, ...seen, sources });
  }

  /** By a name that nothing else of the freeze has. */
  named<Item extends FreezeItem>(item: Item): Item {
    const { name, place } = item;
    return this.#items.has(name) ? { ...item, name: `${name} (${place.text})` } : item;
  }

  place(name: string, place: FrozenPlace): void {
    this.#places.set(name, place);
  }

  /** Of a kind that is frozen already: commands must go to where they went. Errors: `platform.other-place`. */
  requireSamePlace(item: FreezeItem, found: FrozenPlace): void {
    if (item.place.fingerprint === found.fingerprint) return;
    throw new LifeboatError(
      'platform.other-place',
      `${item.name} was frozen on ${item.place.text}, commands would go to ${found.text} now`,
      {
        hint: `Nothing was changed. Run the command where the freeze was begun. If that place is lost, ${giveUpAlone(item.name)} what was stopped there, and nothing else; then freeze again.`,
      },
    );
  }

  /** What cannot be looked at cannot be frozen: that is said, the rest is frozen. What means another place ends it. */
  async attempt(
    gap: Omit<FreezeGap, 'what' | 'remedy'> & { readonly what: string },
    work: () => Promise<void>,
  ) {
    try {
      await work();
    } catch (error) {
      if (!isLifeboatError(error) || isLifeboatError(error, ...ending)) throw error;
      const { message, hint } = error;
      const remedy = hint ?? 'Stop it by hand, or put right what is in the way and freeze again.';
      this.gaps.push({ ...gap, what: `${gap.what}: ${message}`, remedy });
    }
  }

  /** The record with what is to be done, not stored yet. */
  record(sources: readonly string[], holder: FreezeHolder): FreezeRecord {
    return {
      ...this.#former,
      holds: withHolder(holdsOf(this.#former), sources, holder),
      sources: [...new Set([...this.#former.sources, ...sources])],
      items: this.items,
    };
  }
}

/** Nothing may be changed after one of these. */
const ending = [
  'cancelled',
  'bug',
  'disk.full',
  'config.invalid',
  'platform.other-place',
  'postgres.other-cluster',
] as const;
