import { describe, expect, it } from 'vitest';
import type { LossSuspect } from './loss-report.ts';
import { markOwn, type OwnRemoval } from './own-removals.ts';

const removal: OwnRemoval = {
  run: 'a1b2',
  systemId: '7',
  timeline: 2,
  lsn: '0/5000000',
  databases: [{ oid: 100, name: 'shop_former_a1b2' }],
};

/** A DROP DATABASE as the log has it. */
function drop(change: Partial<LossSuspect> = {}): LossSuspect {
  return {
    kind: 'drop-database',
    severity: 'critical',
    timeline: 2,
    firstLsn: '0/5000100',
    commitLsn: '0/5000200',
    databases: [{ oid: 100, name: null }],
    tables: [],
    ...change,
  } as unknown as LossSuspect;
}

function ownOf(...suspects: readonly LossSuspect[]) {
  const found = suspects.map((suspect) => ({ suspect, systemId: '7' }));
  return markOwn(found, [removal]).map(({ own }) => own?.run);
}

describe('what Lifeboat removed itself', () => {
  it('is the first drop of that database behind what was written down', () => {
    const later = drop({ firstLsn: '0/6000000', commitLsn: '0/6000100' });
    expect(ownOf(later, drop())).toEqual([undefined, 'a1b2']);
    expect(markOwn([{ suspect: drop(), systemId: '7' }], [removal])[0]?.severity).toBe('low');
  });

  it.each([
    ['another database of that name', { databases: [{ oid: 101, name: 'shop_former_a1b2' }] }],
    ['a drop before it', { firstLsn: '0/4FFFFFF' }],
    ['the same one, in use again after a recovery to an earlier moment', { timeline: 3 }],
    ['more than that', { databases: [...drop().databases, { oid: 102, name: 'shop' }] }],
    ['a table of another database', { tables: [{ databaseOid: 5 }] }],
    ['tables that were dropped', { kind: 'drop-table' }],
  ] as const)('is not %s', (_, change) => {
    expect(ownOf(drop(change as unknown as Partial<LossSuspect>))).toEqual([undefined]);
  });

  it('is not what another cluster did', () => {
    expect(markOwn([{ suspect: drop(), systemId: '8' }], [removal])[0]?.own).toBeUndefined();
  });
});
