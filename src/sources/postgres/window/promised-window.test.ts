import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { planByPolicy, type Repository, type Snapshot } from '../../../repository/index.ts';
import { lsn, segmentStart, timelineStream } from '../../../wal/index.ts';
import type { BackupSnapshot } from '../restore/backup-snapshot.ts';
import { pathPasses, type TimelinePath } from '../restore/timeline-path.ts';
import { WalHoldings } from '../restore/wal-holdings.ts';
import { type PromisedWindow, promiseWindow, type Stretch } from './promised-window.ts';
import { joinBases, windowBase } from './stretches.ts';

const hourMs = 3_600_000;
const beginMs = Date.parse('2026-01-01T00:00:00Z');
const forever = lsn(0xffff_ffff_ffff_ffffn);
const segmentBytes = 2n ** 20n;
const sizes = { segmentSizeBytes: Number(segmentBytes) };

/** A state of the cluster that somebody may want back. */
interface Moment {
  readonly timeline: number;
  readonly position: bigint;
  readonly ms: number;
}

/** A cluster with its bases and its log, hour by hour. */
class History {
  readonly paths = new Map<number, TimelinePath>([
    [1, [{ timeline: 1, begin: lsn(0n), end: forever }]],
  ]);
  readonly moments: Moment[] = [];
  bases: BackupSnapshot[] = [];
  /** Stored segments, by stream. */
  log: { stream: string; start: bigint; end: bigint }[] = [];
  timeline = 1;
  position = segmentBytes;
  nowMs = beginMs;
  #number = 0;

  /** One hour of work; without `isStreamed` the log has a hole. */
  work(quarters: number, isStreamed: boolean): void {
    const from = this.position;
    this.position += (BigInt(quarters) * segmentBytes) / 4n;
    this.nowMs += hourMs;
    this.moments.push({ timeline: this.timeline, position: this.position, ms: this.nowMs });
    if (!isStreamed) return;
    const stream = timelineStream(this.timeline);
    for (let at = from; at < this.position; ) {
      const next = segmentStart(at + segmentBytes, sizes.segmentSizeBytes);
      const end = next < this.position ? next : this.position;
      this.log.push({ stream, start: at, end });
      at = end;
    }
  }

  base(clockErrorMs: number): void {
    const [startLsn, stopLsn] = [lsn(this.position - segmentBytes / 8n), lsn(this.position)];
    const stop = new Date(this.nowMs + clockErrorMs);
    this.bases.push({
      snapshot: snapshot(`${this.#number++}`.padStart(64, '0'), stop),
      info: {
        ...sizes,
        timeline: this.timeline,
        stopTime: stop.toISOString(),
      } as BackupSnapshot['info'],
      startLsn,
      stopLsn,
    });
  }

  /** Set back to an earlier position, or promoted where it is. */
  fork(backQuarters: number): void {
    const path = this.paths.get(this.timeline) as TimelinePath;
    const own = path.at(-1) as TimelinePath[number];
    let at = this.position - (BigInt(backQuarters) * segmentBytes) / 4n;
    if (at < own.begin + segmentBytes) at = this.position;
    this.timeline = Math.max(...this.paths.keys()) + 1;
    const next = { timeline: this.timeline, begin: lsn(at), end: forever };
    this.paths.set(this.timeline, [...path.slice(0, -1), { ...own, end: lsn(at) }, next]);
    this.position = at;
  }

  async holdingsOf(): Promise<(backup: BackupSnapshot) => WalHoldings> {
    const wal = await WalHoldings.of([{ coverage: async () => this.log, read: unused }]);
    return (backup) => wal.withSnapshot({} as Repository, backup);
  }

  async restorable(): Promise<ReadonlySet<Moment>> {
    const holdingsOf = await this.holdingsOf();
    const found = new Set<Moment>();
    for (const backup of this.bases) {
      for (const [timeline, path] of this.paths) {
        if (!pathPasses(path, backup.info.timeline, backup.stopLsn)) continue;
        const end = holdingsOf(backup).endOnPath(path, backup.startLsn, sizes.segmentSizeBytes);
        // A base alone, without log after it, is no window.
        if (end <= backup.stopLsn) continue;
        for (const moment of this.moments) {
          if (moment.timeline !== timeline) continue;
          if (moment.position >= backup.stopLsn && moment.position <= end) found.add(moment);
        }
      }
    }
    return found;
  }

  async stretches(): Promise<readonly Stretch[]> {
    const newestFirst = this.bases.toSorted(
      (a, b) => b.info.timeline - a.info.timeline || (a.stopLsn < b.stopLsn ? 1 : -1),
    );
    const paths = [...this.paths.values()].toReversed();
    const joined = joinBases(newestFirst, paths, await this.holdingsOf());
    return joined.map(({ path, end, backups }) => {
      const newest = backups.at(-1) as BackupSnapshot;
      const commits = this.moments.filter(
        ({ timeline, position }) =>
          pathPasses(path, timeline, position) && position > newest.startLsn && position <= end,
      );
      const lastCommitMs =
        commits.length > 0 ? Math.max(...commits.map(({ ms }) => ms)) : undefined;
      return { path, end, bases: backups.map(windowBase), lastCommitMs };
    });
  }

  /** What `forget` and `prune` do, on a host whose clock is wrong by so much. */
  async tidy(spanMs: number, keepLast: number, clockErrorMs: number): Promise<PromisedWindow> {
    const now = new Date(this.nowMs + clockErrorMs);
    const promise = async () => {
      const streams = [...new Set(this.log.map(({ stream }) => stream))];
      return promiseWindow(await this.stretches(), { spanMs, nowMs: now.getTime(), streams });
    };
    const { openers } = await promise();
    const snapshots = this.bases.map((each) => each.snapshot);
    const policy = { last: keepLast, minimum: 1 };
    const [group] = planByPolicy([{ key: {}, snapshots }], policy, now, openers);
    const kept = new Set(
      group?.decisions.flatMap(({ keep, snapshot: { id } }) => (keep ? id : [])),
    );
    this.bases = this.bases.filter((each) => kept.has(each.snapshot.id));
    const after = await promise();
    this.log = this.log.filter(({ stream, end }) => end > (after.needed.get(stream) ?? 0n));
    return after;
  }
}

async function unused(): Promise<Uint8Array> {
  throw new Error('not read here');
}

function snapshot(id: string, time: Date): Snapshot {
  return { id, time, tags: [] } as unknown as Snapshot;
}

const event = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      kind: fc.constant('work' as const),
      quarters: fc.integer({ min: 1, max: 9 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('hole' as const),
      quarters: fc.integer({ min: 1, max: 9 }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('base' as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('fork' as const),
      back: fc.integer({ min: 0, max: 20 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('tidy' as const),
      span: fc.integer({ min: 1, max: 40 }),
      keepLast: fc.integer({ min: 1, max: 4 }),
      // A clock that is behind, or ahead for as long as one backup.
      clock: fc.constantFrom(0, 0, 0, -30, 5, 1000),
    }),
  },
);

describe('a promised window', () => {
  it('is never cut: whatever was restorable and is promised stays so, through any history', async () => {
    let cutBases = 0;
    let cutSegments = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(event, { minLength: 10, maxLength: 120, size: 'max' }),
        async (events) => {
          const history = new History();
          history.work(4, true);
          history.base(0);
          for (const each of events) {
            if (each.kind === 'work') history.work(each.quarters, true);
            else if (each.kind === 'hole') history.work(each.quarters, false);
            else if (each.kind === 'base') history.base(0);
            else if (each.kind === 'fork') history.fork(each.back);
            else {
              const before = await history.restorable();
              const segments = history.log.length;
              // What a clock that is ahead sets off at once: the scheduled backup, then forget and prune.
              if (each.clock > 0) history.base(each.clock * hourMs);
              const bases = history.bases.length;
              const spanMs = each.span * hourMs;
              const fromMs = history.nowMs - spanMs;
              await history.tidy(spanMs, each.keepLast, each.clock * hourMs);
              const after = await history.restorable();
              for (const moment of before) {
                if (moment.ms > fromMs) expect(after).toContain(moment);
              }
              cutBases += bases - history.bases.length;
              cutSegments += segments - history.log.length;
            }
          }
        },
      ),
      { numRuns: 300 },
    );
    // The property would hold for one that never removes anything.
    expect(cutBases).toBeGreaterThan(100);
    expect(cutSegments).toBeGreaterThan(100);
  });

  it('keeps one base from before it and the log from there on, and no more', async () => {
    const history = new History();
    for (let hour = 0; hour < 100; hour++) {
      history.work(4, true);
      if (hour % 10 === 0) history.base(0);
    }
    const { openers, needed, fromMs } = await history.tidy(24 * hourMs, 2, 0);
    // Counted back from the newest base but one, of hour 80.
    expect(fromMs).toBe(beginMs + 81 * hourMs - 24 * hourMs);
    const [opener, ...others] = history.bases.filter(({ snapshot: { id } }) => openers.has(id));
    expect(others).toEqual([]);
    expect(opener?.snapshot.time.getTime()).toBe(beginMs + 51 * hourMs);
    expect(history.bases).toHaveLength(3);
    expect([...needed]).toEqual([['00000001', opener?.startLsn]]);
    expect(history.log[0]?.end).toBeGreaterThan(opener?.startLsn as bigint);
    expect(history.log.length).toBeLessThan(52);
  });

  it('lets a dead timeline go when its moments are older than the window', async () => {
    const history = new History();
    const days = (count: number) => {
      for (let hour = 1; hour <= count * 24; hour++) {
        history.work(4, true);
        if (hour % 24 === 0) history.base(0);
      }
    };
    const ofFirst = () => history.log.filter(({ stream }) => stream === '00000001').length;
    days(4);
    history.fork(40);
    days(2);
    await history.tidy(30 * hourMs, 1, 0);
    // From the base of the third day to the end of the fourth.
    expect(ofFirst()).toBe(25);
    days(6);
    await history.tidy(30 * hourMs, 1, 0);
    expect(ofFirst()).toBe(0);
  });

  it('takes no base for its opener whose time cannot be relied on', async () => {
    const history = new History();
    const bases = [0, 0, -5000, 0, 0, 0];
    for (const error of bases) {
      for (let hour = 0; hour < 10; hour++) history.work(1, true);
      history.base(error * hourMs);
    }
    for (let hour = 0; hour < 10; hour++) history.work(1, true);
    // Back from hour 50 by 25: the second base, not the third, whose clock was behind.
    const { openers } = await history.tidy(25 * hourMs, 1, 0);
    const [opener] = history.bases.filter(({ snapshot: { id } }) => openers.has(id));
    expect(opener?.snapshot.time.getTime()).toBe(beginMs + 20 * hourMs);
  });

  it('promises nothing where no log follows a base', () => {
    const path = [{ timeline: 1, begin: lsn(0n), end: forever }];
    const base = { id: 'a', timeline: 1, startLsn: 5n, stopLsn: 9n, stopMs: beginMs };
    const stretch = { path, end: 9n, lastCommitMs: undefined, bases: [base] };
    const request = { spanMs: hourMs, nowMs: beginMs, streams: ['00000001'] };
    const { openers, needed } = promiseWindow([stretch], request);
    expect(openers.size).toBe(0);
    expect(needed.get('00000001')).toBe(5n);
  });
});
