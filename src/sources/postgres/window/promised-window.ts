import { timelineStream } from '../../../wal/index.ts';
import type { TimelinePath } from '../restore/timeline-path.ts';

/** What the rule looks at in a base backup. */
export interface WindowBase {
  readonly id: string;
  readonly timeline: number;
  readonly startLsn: bigint;
  readonly stopLsn: bigint;
  /** By the clock of the host that took it. */
  readonly stopMs: number;
}

/** An unbroken stretch of the log along one path of timelines, and the bases from which it can be replayed. */
export interface Stretch {
  readonly path: TimelinePath;
  readonly end: bigint;
  /** By the clock of the server; undefined when nothing was committed since the newest base. */
  readonly lastCommitMs: number | undefined;
  /** The last moment in it cannot be told: it counts as of now. */
  readonly isUnclear?: true;
  /** By position, the first one first; at least one. */
  readonly bases: readonly WindowBase[];
}

export interface PromisedWindow {
  /** From here on every moment stays. Undefined: nothing is there. */
  readonly fromMs: number | undefined;
  /** The bases that open the stretches of the window: without them a moment in it would be lost. */
  readonly openers: ReadonlySet<string>;
  /** For each stream of the log: from where on it is needed. */
  readonly needed: ReadonlyMap<string, bigint>;
}

/**
 * What must stay so that each moment of the last `spanMs` can be restored that can be restored now. Of every stretch that reaches
 * into that span the newest base from before it stays, with the log from there on. Older bases need no log: they bring the WAL
 * along that makes them consistent.
 */
export function promiseWindow(
  stretches: readonly Stretch[],
  request: { readonly spanMs: number; readonly nowMs: number; readonly streams: readonly string[] },
): PromisedWindow {
  const latestMs = latestTrustedMs(stretches, request.nowMs);
  const fromMs = latestMs === undefined ? undefined : latestMs - request.spanMs;
  const openers = new Map<string, WindowBase>();
  const onPaths = new Map<string, bigint>();
  for (const stretch of fromMs === undefined ? [] : stretches) {
    if (isPoint(stretch) || lastMomentMs(stretch) <= (fromMs as number)) continue;
    const opener = openerOf(stretch, fromMs as number, request.nowMs);
    openers.set(opener.id, opener);
    for (const { timeline, begin, end } of stretch.path) {
      if (end <= opener.startLsn || begin >= stretch.end) continue;
      const from = begin <= opener.startLsn ? opener.startLsn : 0n;
      const stream = timelineStream(timeline);
      onPaths.set(stream, smaller(onPaths.get(stream), from));
    }
  }
  return {
    fromMs,
    openers: new Set(openers.keys()),
    needed: neededOf(stretches, openers, onPaths, request.streams),
  };
}

/** A timeline that no stretch of the window passes goes as the positions of the others leave it behind. */
function neededOf(
  stretches: readonly Stretch[],
  openers: ReadonlyMap<string, WindowBase>,
  onPaths: ReadonlyMap<string, bigint>,
  streams: readonly string[],
): ReadonlyMap<string, bigint> {
  const bases = openers.size > 0 ? [...openers.values()] : stretches.flatMap((each) => each.bases);
  let first: bigint | undefined;
  for (const { startLsn } of bases) first = smaller(first, startLsn);
  const needed = new Map<string, bigint>();
  for (const stream of streams) {
    const from = onPaths.get(stream) ?? first;
    if (from !== undefined) needed.set(stream, from);
  }
  return needed;
}

/**
 * The moment that the window is counted back from. A clock that is ahead must not cut it, so the earliest of three counts: this host's
 * clock, the newest commit (the server's clock), and the newest base but one (a clock that jumps ahead sets off one backup at
 * once). Too early only keeps more.
 */
function latestTrustedMs(stretches: readonly Stretch[], nowMs: number): number | undefined {
  const bases = new Map(stretches.flatMap((each) => each.bases.map((base) => [base.id, base])));
  const stops = [...bases.values()]
    .map(({ stopMs }) => stopMs)
    .filter((stopMs) => stopMs <= nowMs)
    .sort((a, b) => b - a);
  const stop = stops[1] ?? stops[0];
  if (stop === undefined) return undefined;
  const commits = stretches.flatMap(({ lastCommitMs }) => lastCommitMs ?? []);
  const lastCommitMs = commits.length === 0 ? nowMs : Math.max(...commits);
  return Math.min(nowMs, stop, lastCommitMs);
}

/** No log follows its bases: there is no window that could be cut. */
function isPoint({ bases, end }: Stretch): boolean {
  return bases.every(({ stopLsn }) => end <= stopLsn);
}

function lastMomentMs({ bases, lastCommitMs, isUnclear }: Stretch): number {
  if (isUnclear) return Number.POSITIVE_INFINITY;
  return Math.max(lastCommitMs ?? 0, ...bases.map(({ stopMs }) => stopMs));
}

/**
 * The newest base from before `fromMs`, or the first one. One that is dated before an earlier one, or in the future, has no time that
 * could be relied on.
 */
function openerOf({ bases }: Stretch, fromMs: number, nowMs: number): WindowBase {
  let opener = bases[0] as WindowBase;
  let formerMs = 0;
  for (const base of bases) {
    if (base.stopMs > nowMs || base.stopMs < formerMs) continue;
    formerMs = base.stopMs;
    if (base.stopMs <= fromMs) opener = base;
  }
  return opener;
}

function smaller(a: bigint | undefined, b: bigint): bigint {
  return a === undefined || b < a ? b : a;
}
