import { formatBytes, formatCount, formatDuration } from '../../core/index.ts';
import { parseLsn } from '../../wal/index.ts';
import type { StepKindName } from '../steps/step-kind.ts';
import { chooseBase } from './choose-base.ts';
import type { PlanFacts, ProofFacts, SourceFacts } from './facts.ts';
import type { PlanMoment } from './moment.ts';

/** A time that was measured, or computed from measured rates; never a guess. */
export interface Expected {
  readonly ms: number;
  readonly basis: string;
}

/** Below so much log its amount does not decide how long its replay takes. */
const smallLogBytes = 16 * 2 ** 20;

/** A restore to a moment: of its base by the rate of the newest proof, and of the log behind it. Undefined: never proven. */
export function expectRestore(
  source: SourceFacts,
  moment: PlanMoment | undefined,
): Expected | undefined {
  const proof = measuredProof(source);
  if (proof === undefined) return undefined;
  const restoreMs = phaseOf(proof, 'restore');
  if (restoreMs === undefined) return undefined;
  const replayMs = phaseOf(proof, 'replay') ?? 0;
  const { base, logBytes } = chooseBase(source, moment);
  const bytes = bytesOf(source, proof);
  const byBytes = bytes !== undefined && bytes > 0 && base !== undefined ? base.bytes / bytes : 1;
  const provenLog = logOf(proof);
  const isLong = logBytes !== undefined && provenLog !== undefined && provenLog > smallLogBytes;
  const byLog = isLong ? logBytes / provenLog : 1;
  const size = bytes === undefined ? '' : `${formatBytes(bytes)} `;
  const log = provenLog === undefined ? '' : `, ${formatBytes(provenLog)} of log replayed`;
  return {
    ms: Math.round(restoreMs * byBytes + replayMs * byLog),
    basis: `${source.name}: ${size}restored in ${formatDuration(restoreMs)}${log} in ${formatDuration(replayMs)} on ${day(proof.time)} (proof ${proof.id.slice(0, 8)})`,
  };
}

/** A validation of restored data. */
export function expectValidate(
  source: SourceFacts,
  moment: PlanMoment | undefined,
): Expected | undefined {
  const proof = measuredProof(source);
  const validateMs = proof && phaseOf(proof, 'validate');
  if (proof === undefined || validateMs === undefined) return undefined;
  const bytes = bytesOf(source, proof);
  const { base } = chooseBase(source, moment);
  const byBytes = bytes !== undefined && bytes > 0 && base !== undefined ? base.bytes / bytes : 1;
  return {
    ms: Math.round(validateMs * byBytes),
    basis: `${source.name}: checked in ${formatDuration(validateMs)} on ${day(proof.time)} (proof ${proof.id.slice(0, 8)})`,
  };
}

export function expectProof(source: SourceFacts): Expected | undefined {
  const proof = measuredProof(source);
  if (proof === undefined) return undefined;
  return {
    ms: proof.rtoMs,
    basis: `${source.name}: proven in ${formatDuration(proof.rtoMs)} on ${day(proof.time)} (proof ${proof.id.slice(0, 8)})`,
  };
}

export function expectBackup(source: SourceFacts): Expected | undefined {
  const last = source.snapshots.find(({ durationMs }) => durationMs !== undefined);
  if (last?.durationMs === undefined) return undefined;
  return {
    ms: last.durationMs,
    basis: `${source.name}: backed up in ${formatDuration(last.durationMs)} on ${day(last.time)} (snapshot ${last.id.slice(0, 8)})`,
  };
}

/** Rows put back: the state before is restored for it, unless the whole of it was measured. */
export function expectRescue(
  source: SourceFacts,
  past: PlanMoment,
  facts: Pick<PlanFacts, 'measured'>,
  rows: number,
): Expected | undefined {
  const last = expectStep('rescue-rows', facts, { source: source.name, count: rows });
  const isPart = facts.measured.find(isOf('rescue-rows', source.name))?.isPart;
  if (last !== undefined && !isPart) return last;
  const restored = expectRestore(source, past);
  if (restored === undefined) return undefined;
  return last === undefined
    ? { ...restored, basis: `${restored.basis}; how long rows take was never measured` }
    : { ms: restored.ms + last.ms, basis: `${restored.basis}; ${last.basis}` };
}

/** Any step, as the newest of its kind went with the same source; by the amount where both are known. */
export function expectStep(
  kind: StepKindName,
  { measured }: Pick<PlanFacts, 'measured'>,
  about: { readonly source?: string; readonly count?: number } = {},
): Expected | undefined {
  const last = measured.find(isOf(kind, about.source));
  if (last === undefined) return undefined;
  const { amount, durationMs, where, time } = last;
  const share =
    amount === undefined || about.count === undefined || amount.count === 0
      ? 1
      : about.count / amount.count;
  const how = amount === undefined ? '' : ` ${amountText(amount)}`;
  return {
    ms: Math.round(durationMs * share),
    basis: `${kind}:${how} in ${formatDuration(durationMs)} on ${day(time)} (${where})`,
  };
}

function isOf(kind: StepKindName, source: string | undefined) {
  return (each: PlanFacts['measured'][number]) => each.kind === kind && each.source === source;
}

function amountText({ of, count }: { readonly of: 'rows' | 'bytes'; readonly count: number }) {
  return of === 'bytes' ? formatBytes(count) : `${formatCount(count)} rows`;
}

function measuredProof({ proofs }: SourceFacts): ProofFacts | undefined {
  return proofs.find(({ verdict }) => verdict === 'passed');
}

function phaseOf(
  { phases }: ProofFacts,
  wanted: ProofFacts['phases'][number]['phase'],
): number | undefined {
  return phases.find(({ phase }) => phase === wanted)?.durationMs;
}

function bytesOf({ snapshots }: SourceFacts, { snapshot }: ProofFacts): number | undefined {
  return snapshots.find(({ id }) => id === snapshot)?.bytes;
}

function logOf({ fromLsn, reachedLsn }: ProofFacts): number | undefined {
  return fromLsn === undefined || reachedLsn === undefined
    ? undefined
    : Math.max(0, Number(parseLsn(reachedLsn) - parseLsn(fromLsn)));
}

function day(time: string): string {
  return time.slice(0, 10);
}
