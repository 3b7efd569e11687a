import { LifeboatError } from '../../core/index.ts';
import type { RecoveryTarget } from '../../sources/index.ts';
import { formatLsn, parseLsn } from '../../wal/index.ts';

/** A target as it stands in plans: JSON, positions and times as text. */
export type WrittenTarget = Readonly<Record<string, unknown>>;

export function writeTarget(target: RecoveryTarget): WrittenTarget {
  switch (target.kind) {
    case 'lsn':
      return { ...target, lsn: formatLsn(target.lsn) };
    case 'time':
      return { ...target, time: target.time.toISOString() };
    case 'name':
      return {
        kind: target.kind,
        name: target.name,
        ...(target.until ? { until: target.until.toISOString() } : {}),
      };
    default:
      return { ...target };
  }
}

/** The way back, for whoever carries a plan out. Errors: `plan.refused` (it is none). */
export function readTarget(written: WrittenTarget): RecoveryTarget {
  const { kind, lsn, inclusive, time, xid, name, until } = written;
  if (kind === 'latest' || kind === 'snapshot-end') return { kind };
  if (kind === 'time' && isTime(time)) return { kind, time: new Date(time) };
  if (kind === 'lsn' && typeof lsn === 'string') {
    return { kind, lsn: parseLsn(lsn), inclusive: inclusive === true };
  }
  if (kind === 'xid' && typeof xid === 'number')
    return { kind, xid, inclusive: inclusive === true };
  if (kind === 'name' && typeof name === 'string') {
    return { kind, name, ...(isTime(until) ? { until: new Date(until) } : {}) };
  }
  throw new LifeboatError('plan.refused', `the plan has no target that is known: ${String(kind)}`, {
    hint: 'It was made by another version. Make a new one with `lifeboat plan`.',
  });
}

function isTime(value: unknown): value is string {
  return typeof value === 'string' && !Number.isNaN(Date.parse(value));
}
