import { LifeboatError } from '../core/index.ts';
import type { RecoveryTarget } from '../sources/index.ts';
import { formatLsn, parseLsn } from '../wal/index.ts';
import { formatMoment, parseMoment } from './moment.ts';

/**
 * What `--at` means: `latest` (also when it is left out), a moment, or a position of the log such as 0/16B3748, then the
 * state just before the record that begins there.
 */
export function parseTarget(at: string | undefined, now: Date): RecoveryTarget {
  if (at === undefined || at === 'latest') return { kind: 'latest' };
  if (at.includes('/')) return { kind: 'lsn', lsn: parseLsn(at), inclusive: false };
  return { kind: 'time', time: parseMoment(at, now) };
}

export function describeTarget(target: RecoveryTarget): string {
  switch (target.kind) {
    case 'latest':
      return 'the newest state there is';
    case 'time':
      return formatMoment(target.time, { ms: true });
    case 'lsn':
      return `just before ${formatLsn(target.lsn)}`;
    case 'snapshot-end':
      return 'the end of the snapshot';
  }
}

/** A transaction id as PostgreSQL prints it: 32 bits. */
export function parseXid(text: string): number {
  const xid = Number(text);
  if (/^\d{1,10}$/.test(text) && xid >= 3 && xid <= 0xffff_ffff) return xid;
  throw new LifeboatError('usage.invalid', `not a transaction id: ${JSON.stringify(text)}`, {
    hint: 'It is the number that `lifeboat find-loss` shows, for example 784.',
  });
}
