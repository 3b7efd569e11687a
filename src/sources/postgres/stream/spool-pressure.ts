import { formatBytes } from '../../../core/index.ts';
import type { StreamAlarm } from '../../source.ts';

const earlyShare = 0.5;
const lateShare = 0.8;

/** What of the spool's limit is taken, long before it is full. Undefined: little. Pure. */
export function judgeSpool(heldBytes: number, limitBytes: number): StreamAlarm | undefined {
  const share = heldBytes / limitBytes;
  if (share < earlyShare) return undefined;
  return {
    code: 'spool.filling',
    level: share < lateShare ? 'early' : 'late',
    message: `the spool holds ${formatBytes(heldBytes)} of ${formatBytes(limitBytes)} it may: the repository does not keep up`,
    action:
      'receiving goes on until the spool is full, and then when it has room again: the server keeps the rest for its slot',
    hint: 'See that the repository can be reached and written to. A larger `spool: { limit }` gives more time.',
  };
}
