import { describe, expect, it } from 'vitest';
import type { FreezeItem, FreezeRecord } from './freeze-record.ts';
import { mergeFreezes } from './merge-freezes.ts';
import { isCalled, keysOf, leftOf } from './taken-over.ts';

const early = '2026-11-26T18:00:00.000Z';
const late = '2026-11-26T19:00:00.000Z';

function service(name: string, more: Partial<FreezeItem> = {}): FreezeItem {
  return {
    kind: 'service',
    name: `service ${name}`,
    service: name,
    sources: ['shop'],
    place: { text: 'commands of web-1', fingerprint: 'web-1' },
    intent: `stop the service ${name}`,
    state: 'done',
    former: { status: 'running', text: 'running' },
    ...more,
  } as FreezeItem;
}

function record(id: string, more: Partial<FreezeRecord> = {}): FreezeRecord {
  return {
    format: 1,
    id,
    installation: 'test',
    host: `host of ${id}`,
    actor: 'joe',
    startedAt: early,
    revision: 1,
    phase: 'frozen',
    sources: ['shop'],
    holds: [{ source: 'shop', actor: 'joe', since: early }],
    items: [service('api')],
    gaps: [],
    ...more,
  };
}

/** `id` with all that these hold. */
const taking = (id: string, ...others: readonly FreezeRecord[]) =>
  mergeFreezes(record(id, { items: [], sources: [], holds: [] }), others);

describe('what is left of a freeze', () => {
  const a = record('a');
  const b = taking('b', a);

  it('is all of it where nobody took it, else what came behind', () => {
    expect(leftOf(a, [a])).toBe(a);
    expect(leftOf(a, [a, b])).toBeUndefined();
    const added = { ...a, items: [...a.items, service('cron', { recordedAt: late })] };
    expect(leftOf(added, [added, b])?.items.map(({ name }) => name)).toEqual(['service cron']);
    const hold = { source: 'shop', run: 'run-1', actor: 'joe', since: late };
    expect(leftOf({ ...a, holds: [hold] }, [a, b])?.holds).toEqual([hold]);
  });

  it('is what was frozen anew, under the same name, behind the thaw', () => {
    const anew = { ...a, items: [service('api', { recordedAt: late })] };
    expect(leftOf(anew, [anew, { ...b, phase: 'thawed', items: [] }])?.items).toEqual(anew.items);
  });

  it('is with the last one of a chain', () => {
    const c = taking('c', b);
    expect([a, b, c].map((each) => leftOf(each, [a, b, c])?.id)).toEqual([
      undefined,
      undefined,
      'c',
    ]);
    expect([isCalled(c, 'a'), isCalled(c, 'c'), isCalled(b, 'c')]).toEqual([true, true, false]);
  });

  it('is all of it where hosts took from each other at once, in a ring of any length', () => {
    const ring = ['a', 'b', 'c'].map((id) => record(id));
    for (const length of [2, 3]) {
      const all = ring.slice(0, length);
      const taken = all.map((each, index) => {
        const { id, host } = all[(index + 1) % length] as FreezeRecord;
        return { ...each, tookOver: [{ id, host, keys: keysOf(each) }] };
      });
      expect(taken.map((each) => leftOf(each, taken)?.items.length)).toEqual(all.map(() => 1));
    }
  });
});

describe('what several hosts have recorded', () => {
  const stopped = { former: { status: 'stopped', text: 'stopped' } } as Partial<FreezeItem>;

  it('was before as the first of them has seen it, whichever freeze is older', () => {
    const first = record('b', { items: [service('api', { recordedAt: early })], startedAt: late });
    const later = record('a', { items: [service('api', { ...stopped, recordedAt: late })] });
    for (const [one, other] of [
      [first, later],
      [later, first],
    ] as const) {
      expect(mergeFreezes(one, [other]).items).toMatchObject([{ former: { status: 'running' } }]);
    }
    const idle = record('c', { items: [service('api', { ...stopped, recordedAt: early })] });
    const ran = record('d', { items: [service('api', { recordedAt: late })] });
    expect(mergeFreezes(ran, [idle]).items).toMatchObject([{ former: { status: 'stopped' } }]);
  });

  it('of a database is taken back with all that each of them changed', () => {
    const grant = (grantee: number) => ({ grantor: 10, grantee, isGrantable: false });
    const database = (former: object, change: object, recordedAt: string) =>
      record('a', {
        items: [
          service('x', {
            kind: 'database',
            systemId: '7',
            oid: 5,
            former,
            change,
            recordedAt,
          } as never),
        ],
      });
    const open = { readOnly: null, acl: null, connectionLimit: 7 };
    const one = { setReadOnly: true, revoke: [grant(0)], grant: [20], connectionLimit: 10 };
    const closed = { readOnly: 'on', acl: '{}', connectionLimit: 10 };
    const other = { setReadOnly: false, revoke: [grant(20), grant(30)], grant: [40] };
    const { items } = mergeFreezes(database(open, one, early), [database(closed, other, late)]);
    expect(items).toMatchObject([
      {
        former: open,
        change: {
          setReadOnly: true,
          revoke: [grant(0), grant(30)],
          grant: [20, 40],
          connectionLimit: 10,
        },
      },
    ]);
  });

  it('has names that tell it apart', () => {
    const twin = (oid: number) =>
      service('x', { kind: 'database', systemId: '7', oid, change: {} } as never);
    const { items } = mergeFreezes(record('a', { items: [twin(1)] }), [
      record('b', { items: [twin(2)] }),
    ]);
    expect(new Set(items.map(({ name }) => name)).size).toBe(2);
  });
});
