import type { RecoveryWindow } from '../../sources/index.ts';
import { formatLsn, parseLsn } from '../../wal/index.ts';
import type { StoredProof } from './proof.ts';

/** A stretch of a recovery window. Positions as text. */
export interface WindowSpan {
  readonly fromLsn: string;
  readonly toLsn: string;
  /** Undefined where only the position is known. */
  readonly from?: Date;
  readonly to?: Date;
}

export interface Coverage {
  readonly proven: readonly WindowSpan[];
  readonly unproven: readonly WindowSpan[];
}

/** A proof that passed and counts still. */
export function isValid(proof: StoredProof, validForMs: number, now: Date): boolean {
  return proof.verdict === 'passed' && proof.time.getTime() + validForMs > now.getTime();
}

interface Edge {
  readonly lsn: bigint;
  readonly time: Date | undefined;
}

/**
 * Which part of a window was proven: of each proof the snapshot it began with, if that lies in the window, and the log up to
 * what was replayed, as far as the window goes the same way. Nothing else was ever tried.
 */
export function coverageOf(window: RecoveryWindow, valid: readonly StoredProof[]): Coverage {
  const end: Edge = { lsn: parseLsn(window.toLsn), time: window.to };
  const spans = valid.flatMap((proof) => spanOf(window, proof, end));
  const proven: (readonly [Edge, Edge])[] = [];
  for (const [from, to] of spans.sort(([a], [b]) => (a.lsn < b.lsn ? -1 : 1))) {
    const last = proven.at(-1);
    if (last === undefined || from.lsn > last[1].lsn) proven.push([from, to]);
    else if (to.lsn > last[1].lsn) proven[proven.length - 1] = [last[0], to];
  }
  const unproven: (readonly [Edge, Edge])[] = [];
  let at: Edge = { lsn: parseLsn(window.fromLsn), time: window.from };
  for (const [from, to] of proven) {
    if (from.lsn > at.lsn) unproven.push([at, from]);
    at = to;
  }
  if (end.lsn > at.lsn) unproven.push([at, end]);
  return { proven: proven.map(describe), unproven: unproven.map(describe) };
}

function spanOf(
  window: RecoveryWindow,
  proof: StoredProof,
  end: Edge,
): readonly (readonly [Edge, Edge])[] {
  const { snapshot, fromLsn, fromTime, reachedLsn, reachedTime } = proof;
  if (fromLsn === undefined || reachedLsn === undefined) return [];
  if (!window.snapshots.some((id) => id === snapshot)) return [];
  const date = (text: string | undefined) => (text === undefined ? undefined : new Date(text));
  const from = { lsn: parseLsn(fromLsn), time: date(fromTime) };
  const reached = { lsn: parseLsn(reachedLsn), time: date(reachedTime) };
  const timeline = proof.reachedTimeline ?? proof.timeline ?? window.timeline;
  if (timeline === window.timeline) return [[from, earlier(reached, end)]];
  const fork = window.forks?.find((each) => each.timeline === timeline);
  if (fork === undefined) return [];
  return [[from, earlier(reached, { lsn: parseLsn(fork.lsn), time: undefined })]];
}

function earlier(a: Edge, b: Edge): Edge {
  return a.lsn < b.lsn ? a : b;
}

function describe([from, to]: readonly [Edge, Edge]): WindowSpan {
  return {
    fromLsn: formatLsn(from.lsn),
    toLsn: formatLsn(to.lsn),
    ...(from.time === undefined ? {} : { from: from.time }),
    ...(to.time === undefined ? {} : { to: to.time }),
  };
}
