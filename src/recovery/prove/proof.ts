import { z } from 'zod';
import type { LifeboatRecord } from '../../repository/index.ts';
import type { CheckResult } from '../validate/check.ts';
import { checkResults, corruptions } from './check-results.ts';
import type { Corruption } from './corruption.ts';

/**
 * The record that a restore point was restored, and what was found. It covers its snapshot and the log up to `reachedLsn`, and
 * nothing more. Positions as text, times in ISO 8601.
 */
export interface Proof {
  readonly format: 1;
  readonly source: string;
  readonly verdict: 'passed' | 'failed';
  readonly startTime: string;
  /** What was to be restored, in words. */
  readonly target: string;
  /** Absent when no snapshot could be chosen. */
  readonly snapshot?: string;
  /** End of the snapshot: the proof covers from here on. */
  readonly fromLsn?: string;
  readonly fromTime?: string;
  /** Of the snapshot. */
  readonly timeline?: number;
  /** Behind the last byte that was replayed. */
  readonly reachedLsn?: string;
  /** The timeline of that byte. */
  readonly reachedTimeline?: number;
  /** Of the last commit that was replayed, else the end of the snapshot. */
  readonly reachedTime?: string;
  readonly serverVersion?: number;
  readonly phases: readonly ProofPhase[];
  /** From the start until the data was restored, checked and open for SQL: the measured RTO. */
  readonly rtoMs: number;
  /** Measured RPO; only of a proof of the newest state. */
  readonly rpo?: MeasuredLoss;
  /** Why nothing could be restored. */
  readonly error?: { readonly code: string; readonly message: string; readonly hint?: string };
  readonly checks: readonly CheckResult[];
  /** Of damaged pages: which snapshots hold them intact. */
  readonly corruption?: readonly Corruption[];
}

export interface ProofPhase {
  readonly phase: 'restore' | 'replay' | 'validate';
  readonly durationMs: number;
}

export interface MeasuredLoss {
  readonly durationMs: number;
  /** True when it cannot be told whether anything was written since the last commit that was replayed. */
  readonly isAtMost: boolean;
}

/** A proof with the record it stands in. */
export interface StoredProof extends Proof {
  readonly id: string;
  readonly time: Date;
}

const count = z.number().nonnegative();
const position = z.string().regex(/^[0-9A-Fa-f]{1,8}\/[0-9A-Fa-f]{1,8}$/);
const proofSchema = z.object({
  format: z.literal(1),
  source: z.string(),
  verdict: z.enum(['passed', 'failed']),
  startTime: z.iso.datetime(),
  target: z.string(),
  snapshot: z.string().exactOptional(),
  fromLsn: position.exactOptional(),
  fromTime: z.iso.datetime().exactOptional(),
  timeline: count.exactOptional(),
  reachedLsn: position.exactOptional(),
  reachedTimeline: count.exactOptional(),
  reachedTime: z.iso.datetime().exactOptional(),
  serverVersion: count.exactOptional(),
  phases: z.array(
    z.object({ phase: z.enum(['restore', 'replay', 'validate']), durationMs: count }),
  ),
  rtoMs: count,
  rpo: z.object({ durationMs: count, isAtMost: z.boolean() }).exactOptional(),
  error: z
    .object({ code: z.string(), message: z.string(), hint: z.string().exactOptional() })
    .exactOptional(),
  checks: checkResults,
  corruption: corruptions.exactOptional(),
});

/** Undefined: written by another version, or by somebody else. */
export function parseProof(record: LifeboatRecord): StoredProof | undefined {
  const parsed = proofSchema.safeParse(record.body);
  if (!parsed.success) return undefined;
  return { ...parsed.data, id: record.id, time: record.time };
}

/** The names of what failed, for people and for alarms. */
export function failuresOf({ checks, error }: Pick<Proof, 'checks' | 'error'>): readonly string[] {
  if (error !== undefined) return [error.message];
  return checks.flatMap(({ check, problems }) =>
    problems.map(({ object, problem: what }) => `${check}: ${object}: ${what}`),
  );
}
