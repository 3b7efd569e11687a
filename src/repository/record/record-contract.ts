import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { LocationUnderTest } from '../location/location-contract.ts';
import { randomKey } from '../log/log-contract.ts';
import { checkRecords } from './check-records.ts';
import { openRecordStore } from './open-record-store.ts';

/** The suite for records, run on every location. */
export function testRecords(name: string, factory: () => Promise<LocationUnderTest>): void {
  describe(`records: ${name}`, () => {
    const key = randomKey();
    let subject: LocationUnderTest;
    const open = (stateFolder?: string) =>
      openRecordStore({ location: subject.location, key, stateFolder });

    beforeEach(async () => {
      subject = await factory();
      await subject.location.create();
    });
    afterEach(() => subject[Symbol.asyncDispose]());

    it('is empty at first', async () => {
      expect(await open().list()).toEqual([]);
    });

    it('gives back what was appended, to others too', async () => {
      const store = open();
      const body = { b: [1, 'two', null], a: { __proto__: null, ü: 1.5 }, at: new Date(0) };
      const first = await store.append({ kind: 'proof', source: 'database', body });
      const second = await store.append({ kind: 'catalog', source: '', body: null });
      expect(first).toMatchObject({ kind: 'proof', source: 'database', sequence: 1, heads: [] });
      expect(first.body).toEqual(JSON.parse(JSON.stringify(body)));
      expect(second).toMatchObject({ sequence: 2, heads: [first.id], writer: first.writer });
      for (const each of [store, open()]) expect(await each.list()).toEqual([first, second]);
      expect(await open().list({ kind: 'catalog' })).toEqual([second]);
      expect(await open().list({ source: 'database' })).toEqual([first]);
      expect(await open().list({ kind: 'proof', source: '' })).toEqual([]);
    });

    it('loses nothing when several write at once', async () => {
      const stores = [open(), open(), open()];
      const body = { some: 'thing' };
      await Promise.all(
        stores.flatMap((store) =>
          [1, 2, 3, 4].map(() => store.append({ kind: 'audit', source: '', body })),
        ),
      );
      const records = await open().list();
      expect(records).toHaveLength(12);
      const heads = await open().append({ kind: 'audit', source: '', body });
      expect(heads.heads.length).toBeGreaterThan(0);
      expect(heads.heads.length).toBeLessThan(4);
      expect((await open().append({ kind: 'audit', source: '', body })).heads).toEqual([heads.id]);
      const findings = await checkRecords({ location: subject.location, key });
      expect(findings).toEqual([]);
    });

    it('is closed to another key', async () => {
      await open().append({ kind: 'audit', source: '', body: 1 });
      const damaged: string[] = [];
      const other = openRecordStore({ location: subject.location, key: randomKey() });
      expect(await other.list({ onDamaged: (file) => damaged.push(file) })).toEqual([]);
      expect(damaged).toHaveLength(1);
    });
  });
}
