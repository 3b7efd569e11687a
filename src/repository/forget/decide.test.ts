import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { BlobId, Snapshot, SnapshotId } from '../repository.ts';
import { decide, isCheckpoint, isFlagged } from './decide.ts';
import { planById } from './forget-by-id.ts';
import { planByPolicy } from './plan-by-policy.ts';
import { checkpointTag, flaggedTag, incompleteTag } from './special-tags.ts';
import { isWhole } from './whole-beside.ts';

const now = new Date('2026-11-25T12:00:00Z');
const hour = 3_600_000;

function made(hoursAgo: number, tags: readonly string[] = []): Snapshot {
  const number = Math.round(hoursAgo * 100) + 1_000_000;
  return {
    id: number.toString(16).padStart(64, '0') as SnapshotId,
    time: new Date(now.getTime() - hoursAgo * hour),
    tree: 'ab'.repeat(32) as BlobId,
    paths: ['/srv'],
    hostname: 'db',
    username: 'root',
    tags,
  };
}

/** Hours ago of those that stay. */
function kept(snapshots: readonly Snapshot[], policy: Parameters<typeof decide>[1]): number[] {
  return decide(snapshots, policy, now)
    .decisions.filter(({ keep }) => keep)
    .map(({ snapshot }) => (now.getTime() - snapshot.time.getTime()) / hour);
}

describe('above the rules', () => {
  it('a floor of three stays by default, and says so', () => {
    const all = [1, 2, 3, 4, 5].map((ago) => made(ago));
    expect(kept(all, { last: 1 })).toEqual([1, 2, 3]);
    expect(kept(all, { last: 1, minimum: 0 })).toEqual([1]);
    const [, second] = decide(all, { last: 1 }, now).decisions;
    expect(second).toMatchObject({ keep: true, keptBy: [], safeguards: ['floor'] });
  });

  it('snapshots of the future stay and take no place', () => {
    const all = [made(-100), made(-50), made(1), made(2), made(30)];
    expect(kept(all, { last: 1, minimum: 1 })).toEqual([-100, -50, 1]);
  });

  it('an interrupted backup takes no place, and goes when a whole one is newer', () => {
    const all = [made(1, [checkpointTag]), made(2), made(3, [checkpointTag]), made(4)];
    expect(kept(all, { last: 1, minimum: 1 })).toEqual([1, 2]);
    expect(decide(all, { last: 1 }, now).decisions[2]).toMatchObject({ isSuperseded: true });
  });

  it('while the newest is flagged no unflagged one goes', () => {
    const all = [made(1, [flaggedTag]), made(2, [flaggedTag]), made(3), made(4), made(5), made(6)];
    expect(kept(all, { last: 1, minimum: 1 })).toEqual([1, 3, 4, 5, 6]);
    expect(decide(all, { last: 1 }, now).isFrozen).toBe(true);
  });

  it('the newest unflagged one stays even without a floor, and flagged ones fill the floor last', () => {
    const flagged = made(3, [flaggedTag]);
    expect(kept([made(1), made(2), flagged], { tags: [[flaggedTag]], minimum: 0 })).toEqual([1, 3]);
    const all = [made(1), made(2, [flaggedTag]), made(3, [flaggedTag]), made(4), made(5)];
    expect(kept(all, { last: 1, minimum: 3 })).toEqual([1, 4, 5]);
  });

  it('says of each that goes which rule passed it over, and why', () => {
    const all = [made(1), made(2), made(30), made(60)];
    const { decisions } = decide(all, { daily: 2, minimum: 1 }, now);
    expect(decisions[1]?.passedOver).toEqual([
      { rule: 'daily 2', bucket: '2026-11-25', because: 'bucket-taken', takenBy: all[0]?.id },
    ]);
    expect(decisions[3]?.passedOver).toEqual([{ rule: 'daily 2', because: 'used-up' }]);
  });
});

it('holds for any snapshots and any policy', () => {
  const snapshots = fc.uniqueArray(
    fc.record({
      ago: fc.integer({ min: -48, max: 900 }),
      tag: fc.constantFrom('', checkpointTag, flaggedTag),
    }),
    { minLength: 1, maxLength: 20, selector: ({ ago }) => ago },
  );
  const policy = fc.record({
    last: fc.integer({ min: 0, max: 3 }),
    daily: fc.integer({ min: 0, max: 3 }),
    minimum: fc.integer({ min: 0, max: 4 }),
  });
  fc.assert(
    fc.property(snapshots, policy, (all, rules) => {
      const group = all.map(({ ago, tag }) => made(ago, tag === '' ? [] : [tag]));
      const stays = decide(group, rules, now).decisions.filter(({ keep }) => keep);
      const points = (some: readonly Snapshot[]) =>
        some.filter((each) => each.time <= now && !isCheckpoint(each));
      const left = points(stays.map(({ snapshot }) => snapshot));
      const there = points(group);
      expect(left.length).toBeGreaterThanOrEqual(Math.min(rules.minimum, there.length));
      const unflagged = there.filter((each) => !isFlagged(each));
      const newest = unflagged.toSorted((a, b) => b.time.getTime() - a.time.getTime())[0];
      if (newest) expect(left).toContain(newest);
      for (const each of group)
        if (each.time > now) expect(stays.map((one) => one.snapshot)).toContain(each);
      // What does not count changes nothing for what does.
      const alone = decide(there, rules, now).decisions.filter(({ keep }) => keep);
      expect(points(alone.map(({ snapshot }) => snapshot))).toEqual(left);
    }),
  );
});

describe('an incomplete backup', () => {
  const incomplete = (hoursAgo: number) => made(hoursAgo, [incompleteTag]);

  it('pushes no whole one of the same day out, and both stay', () => {
    const all = [incomplete(1), made(2), made(3), made(26)];
    expect(kept(all, { daily: 1, minimum: 0 })).toEqual([1, 2]);
    const [newest, whole] = decide(all, { daily: 2, minimum: 0 }, now).decisions;
    expect(newest?.keptBy).toEqual([{ rule: 'daily 2', bucket: '2026-11-25' }]);
    expect(whole?.keptBy).toEqual([{ rule: 'daily 2', bucket: '2026-11-25', beside: all[0]?.id }]);
  });

  it('stands alone for a day without a whole one', () => {
    const all = [made(1), incomplete(26), incomplete(27), made(50)];
    expect(kept(all, { daily: 2, minimum: 0 })).toEqual([1, 26]);
  });

  it('leaves the newest whole one, and a floor of whole ones', () => {
    const all = [
      incomplete(1),
      incomplete(2),
      incomplete(3),
      made(40),
      made(60),
      made(80),
      made(90),
    ];
    expect(kept(all, { last: 2, minimum: 0 })).toEqual([1, 2, 40]);
    expect(kept(all, { last: 2, minimum: 2 })).toEqual([1, 2, 40, 60]);
    expect(decide(all, { last: 2, minimum: 0 }, now).decisions[3]?.safeguards).toContain(
      'newest-whole',
    );
  });

  it('prefers an unflagged whole one', () => {
    const all = [made(1), incomplete(25), made(26, [flaggedTag]), made(27), made(28)];
    expect(kept(all, { daily: 2, minimum: 0 })).toEqual([1, 25, 27]);
  });

  it('never costs a whole one of the same hour or day its place, nor anything that the rules keep', () => {
    const snapshots = fc.uniqueArray(
      fc.record({ ago: fc.integer({ min: 0, max: 200 }), isWhole: fc.boolean() }),
      { minLength: 1, maxLength: 20, selector: ({ ago }) => ago },
    );
    const policy = fc.record({
      last: fc.integer({ min: 0, max: 2 }),
      hourly: fc.integer({ min: 0, max: 4 }),
      daily: fc.integer({ min: 0, max: 4 }),
      minimum: fc.constant(0),
    });
    const day = ({ time }: Snapshot) => time.toISOString().slice(0, 10);
    fc.assert(
      fc.property(snapshots, policy, (all, rules) => {
        const group = all.map(({ ago, isWhole }) =>
          isWhole ? made(ago / 4) : incomplete(ago / 4),
        );
        const { decisions } = decide(group, rules, now);
        const stays = decisions.filter(({ keep }) => keep).map(({ snapshot }) => snapshot);
        const bare = group.map((each) => ({ ...each, tags: [] }));
        for (const { snapshot, keptBy } of decide(bare, rules, now).decisions) {
          if (keptBy.length > 0) expect(stays.map(({ id }) => id)).toContain(snapshot.id);
        }
        for (const { snapshot, keptBy } of decisions) {
          if (isWhole(snapshot) || !keptBy.some(({ rule }) => rule.startsWith('daily'))) continue;
          const sameDay = (each: Snapshot) => isWhole(each) && day(each) === day(snapshot);
          expect(stays.some(sameDay)).toBe(group.some(sameDay));
        }
        const newest = group.filter(isWhole).toSorted((a, b) => +b.time - +a.time)[0];
        if (newest && rules.last + rules.hourly + rules.daily > 0) expect(stays).toContain(newest);
      }),
    );
  });
});

describe('a plan', () => {
  const group = (snapshots: readonly Snapshot[]) => [{ key: { host: 'db' }, snapshots }];
  const refused = expect.objectContaining({ code: 'retention.refused' });

  it('is refused when it would keep nothing, or has no rule', () => {
    const all = [made(1, [flaggedTag])];
    expect(() => planByPolicy(group(all), { tags: [['x']], minimum: 0 }, now)).toThrow(refused);
    expect(() => planByPolicy(group(all), { minimum: 3 }, now)).toThrow(
      expect.objectContaining({ code: 'usage.invalid' }),
    );
  });

  it('by id leaves the last restore point, and the last unflagged one', () => {
    const [one, two, bad] = [made(1), made(2), made(0.5, [flaggedTag])];
    const ids = (...some: Snapshot[]) => new Set(some.map(({ id }) => id));
    expect(planById(group([one, two]), ids(one))[0]?.decisions.map(({ keep }) => keep)).toEqual([
      false,
      true,
    ]);
    expect(() => planById(group([one, two]), ids(one, two))).toThrow(refused);
    expect(planById(group([one, two]), ids(one, two), 0)).toHaveLength(1);
    expect(() => planById(group([bad, one]), ids(one))).toThrow(refused);
  });
});
