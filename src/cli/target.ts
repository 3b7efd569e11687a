import { LifeboatError } from '../core/index.ts';
import type { RecoveryTarget } from '../sources/index.ts';
import { formatLsn, parseLsn } from '../wal/index.ts';
import { formatMoment, parseMoment } from './moment.ts';

/**
 * What `--at` means: `latest` (also when it is left out), `snapshot-end`, a moment, or a position of the log such as
 * 0/16B3748, then the state just before the record that begins there.
 */
export function parseTarget(at: string | undefined, now: Date): RecoveryTarget {
  if (at === undefined || at === 'latest') return { kind: 'latest' };
  if (at === 'snapshot-end') return { kind: 'snapshot-end' };
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
    case 'xid':
      return `just ${target.inclusive ? 'behind' : 'before'} the commit of transaction ${target.xid}`;
    case 'name':
      return `the restore point ${JSON.stringify(target.name)}`;
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

/** A timeline, as the server shows it: a number from 1 on. */
export function parseTimeline(text: string): number {
  const timeline = Number(text);
  if (/^\d{1,10}$/.test(text) && timeline >= 1 && timeline <= 0xffff_ffff) return timeline;
  throw new LifeboatError('usage.invalid', `not a timeline: ${JSON.stringify(text)}`, {
    hint: 'It is a number such as 3; "lifeboat points" shows those of the log.',
  });
}
