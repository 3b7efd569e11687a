import type { ProofsSetting } from '../../config/index.ts';
import {
  type Coverage,
  coverageOf,
  failuresOf,
  isValid,
  listProofs,
  type StoredProof,
} from '../../recovery/index.ts';
import type { Repository } from '../../repository/index.ts';
import type { RecoveryWindow } from '../../sources/index.ts';

/** What is known of the proofs of a source. */
export interface ProofStatus {
  /** The newest, whatever it said. */
  readonly last?: {
    readonly id: string;
    readonly time: Date;
    readonly ageMs: number;
    readonly verdict: 'passed' | 'failed';
    /** What did not hold, by name. */
    readonly failures: readonly string[];
  };
  /** The newest that passed. */
  readonly passed?: {
    readonly id: string;
    readonly time: Date;
    readonly expires: Date;
    readonly isExpired: boolean;
    readonly snapshot: string | undefined;
    readonly reachedLsn: string | undefined;
    readonly reachedTime: string | undefined;
    readonly rtoMs: number;
    readonly rpo: StoredProof['rpo'];
  };
  /** Of the newest window, by proofs that count still. */
  readonly coverage?: Coverage;
  /** Proofs are to be made on schedule, and a valid one is missing; or the last one failed. */
  readonly needsAttention: boolean;
}

export async function proofStatus(request: {
  readonly repository: Repository;
  readonly source: string;
  readonly setting: ProofsSetting;
  readonly window: RecoveryWindow | undefined;
  readonly now: Date;
}): Promise<ProofStatus> {
  const { repository, source, setting, window, now } = request;
  const proofs = await listProofs(repository, source);
  const [last] = proofs;
  const passed = proofs.find(({ verdict }) => verdict === 'passed');
  const valid = proofs.filter((each) => isValid(each, setting.validForMs, now));
  const isMissing = setting.schedule !== undefined && valid.length === 0;
  // A source that is protected since yesterday is given the time that a proof would count.
  const isDue = window !== undefined && window.from.getTime() + setting.validForMs < now.getTime();
  const needsProof = isMissing && (passed !== undefined || isDue);
  return {
    ...(last === undefined ? {} : { last: describeLast(last, now) }),
    ...(passed === undefined ? {} : { passed: describePassed(passed, setting, now) }),
    ...(window === undefined ? {} : { coverage: coverageOf(window, valid) }),
    needsAttention: last?.verdict === 'failed' || needsProof,
  };
}

function describeLast(proof: StoredProof, now: Date) {
  const { id, time, verdict } = proof;
  const ageMs = Math.max(0, now.getTime() - time.getTime());
  return { id, time, ageMs, verdict, failures: failuresOf(proof) };
}

function describePassed(proof: StoredProof, { validForMs }: ProofsSetting, now: Date) {
  const { id, time, snapshot, reachedLsn, reachedTime, rtoMs, rpo } = proof;
  const expires = new Date(time.getTime() + validForMs);
  const isExpired = expires <= now;
  return { id, time, expires, isExpired, snapshot, reachedLsn, reachedTime, rtoMs, rpo };
}
