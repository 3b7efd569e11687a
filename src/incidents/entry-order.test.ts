import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { IncidentEntry } from './entry.ts';
import { headsOf, inOrder } from './entry-order.ts';

/** What several hosts wrote: each step says who writes, what its clock shows, and whether it has seen the others. */
const histories = fc
  .array(
    fc.record({
      writer: fc.integer({ min: 0, max: 3 }),
      clockMs: fc.integer({ min: 0, max: 1000 }),
      sees: fc.boolean(),
    }),
    { minLength: 1, maxLength: 30 },
  )
  .map((steps) => {
    const entries: IncidentEntry[] = [];
    const own = new Map<number, IncidentEntry[]>();
    for (const [at, { writer, clockMs, sees }] of steps.entries()) {
      const former = own.get(writer) ?? [];
      const previous = former.at(-1)?.id ?? '';
      const heads = sees ? headsOf(entries).filter((id) => id !== previous) : [];
      const entry = entryOf(`${at}`, {
        writer,
        sequence: former.length + 1,
        previous,
        heads,
        clockMs,
      });
      own.set(writer, [...former, entry]);
      entries.push(entry);
    }
    return entries;
  });

function entryOf(
  id: string,
  facts: {
    readonly writer: number;
    readonly sequence: number;
    readonly previous: string;
    readonly heads: readonly string[];
    readonly clockMs: number;
  },
): IncidentEntry {
  const { writer, clockMs, ...rest } = facts;
  return {
    ...rest,
    id,
    incident: '20261126-7f3a2c',
    writer: `${writer}`,
    time: new Date(clockMs),
    actor: 'anna',
    host: `web-${writer}`,
    event: 'x.y',
    text: id,
  };
}

describe('the order of entries', () => {
  it('is the same whatever order they come in', () => {
    fc.assert(
      fc.property(
        histories.chain((entries) =>
          fc.tuple(
            fc.constant(entries),
            fc.shuffledSubarray(entries, { minLength: entries.length }),
          ),
        ),
        ([entries, shuffled]) => {
          expect(inOrder(shuffled)).toEqual(inOrder(entries));
        },
      ),
      { numRuns: 300 },
    );
  });

  it('puts nothing in front of what it has seen, whatever the clocks show', () => {
    fc.assert(
      fc.property(histories, (entries) => {
        const ordered = inOrder(entries);
        expect(ordered).toHaveLength(entries.length);
        const place = new Map(ordered.map(({ id }, at) => [id, at]));
        for (const { id, previous, heads } of entries) {
          for (const seen of [previous, ...heads].filter(Boolean)) {
            expect(place.get(seen)).toBeLessThan(place.get(id) as number);
          }
        }
      }),
      { numRuns: 300 },
    );
  });

  it('goes by time among what has not seen each other, and takes an entry once', () => {
    const of = (id: string, writer: number, clockMs: number) =>
      entryOf(id, { writer, sequence: 1, previous: '', heads: [], clockMs });
    const [late, early] = [of('late', 0, 20), of('early', 1, 10)];
    expect(inOrder([late, early, late]).map(({ id }) => id)).toEqual(['early', 'late']);
  });

  it('ends, and loses nothing, where forged entries name each other', () => {
    const facts = { writer: 0, sequence: 1, previous: '', clockMs: 5 };
    const one = entryOf('one', { ...facts, heads: ['two'] });
    const two = entryOf('two', { ...facts, writer: 1, heads: ['one'] });
    const self = entryOf('self', { ...facts, writer: 2, heads: ['self'] });
    const good = entryOf('good', { ...facts, writer: 3, heads: [] });
    const ids = inOrder([one, two, self, good]).map(({ id }) => id);
    expect(ids[0]).toBe('good');
    expect([...ids].sort()).toEqual(['good', 'one', 'self', 'two']);
  });
});
