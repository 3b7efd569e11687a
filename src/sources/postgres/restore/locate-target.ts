import type { Lsn } from '../../../wal/index.ts';
import type { RecoveryTarget } from '../backup-info.ts';
import type { TimelineLine } from './choose-timeline.ts';
import { locateRestorePoint } from './locate-restore-point.ts';
import { locateTransaction } from './locate-transaction.ts';
import type { ReachRequest } from './reaches.ts';
import type { PlainTarget } from './stop-within.ts';

/** A record of the log that a target names. */
export interface LoggedMoment {
  /** For people, e.g. `transaction 784`. */
  readonly what: string;
  /** Where the record begins. */
  readonly lsn: Lsn;
  readonly timeline: number;
  readonly time: Date;
}

/** A target that names a transaction or a restore point becomes the position of its record. Errors: `target.unknown`. */
export async function locateTarget(
  request: ReachRequest & { readonly target: RecoveryTarget; readonly timeline?: number },
  line: TimelineLine,
): Promise<{ readonly target: PlainTarget; readonly located?: LoggedMoment }> {
  const { target } = request;
  if (target.kind === 'xid') {
    const located = await locateTransaction(request, line, target.xid);
    return { located, target: { kind: 'lsn', lsn: located.lsn, inclusive: target.inclusive } };
  }
  if (target.kind === 'name') {
    const located = await locateRestorePoint(request, line, target);
    return { located, target: { kind: 'lsn', lsn: located.lsn, inclusive: true } };
  }
  return { target };
}
