import { describe, expect, it } from 'vitest';
import { heapStructure } from './checks/heap-structure.ts';
import { indexStructure } from './checks/index-structure.ts';
import { pageChecksums } from './checks/page-checksums.ts';
import { visibilityMap } from './checks/visibility-map.ts';
import type { Desk } from './desk.ts';
import type { Place } from './place.ts';

const place = {
  kind: 'copy',
  major: 15,
  hasChecksums: false,
  databases: [{ oid: 5, name: 'shop', isTemplate: false }],
} as unknown as Place;

/** A server whose programs came without contrib. */
const bare = { place, session: async () => ({ rows: async () => [] }) } as unknown as Desk;

describe('what cannot be checked is named, with its reason', () => {
  it('pages of a cluster without checksums', async () => {
    const { units, notChecked } = await pageChecksums.plan(place, bare);
    expect(units).toEqual([]);
    expect(notChecked).toEqual([
      { what: 'every page', why: expect.stringMatching(/has no page checksums/) },
    ]);
  });

  it.each([indexStructure, heapStructure, visibilityMap])(
    '$name without contrib',
    async (check) => {
      const { units, notChecked } = await check.plan(place, bare);
      expect(units).toEqual([]);
      expect(notChecked).toEqual([
        {
          what: expect.stringMatching(/ of shop$/),
          why: expect.stringMatching(/is not installed with these server programs \(contrib\)$/),
        },
      ]);
    },
  );

  it('tables before PostgreSQL 14', async () => {
    const { notChecked } = await heapStructure.plan({ ...place, major: 13 }, bare);
    expect(notChecked).toEqual([
      { what: 'tables', why: expect.stringMatching(/from PostgreSQL 14/) },
    ]);
  });
});
