import { formatLsn } from '../../../wal/index.ts';
import type { RecoveryTarget } from '../backup-info.ts';

/** How a command names the target for ever: `10 minutes ago` is another moment when it is said again. */
export function targetOption(target: RecoveryTarget): string {
  switch (target.kind) {
    case 'latest':
    case 'snapshot-end':
      return `--at ${target.kind}`;
    case 'time':
      return `--at ${target.time.toISOString()}`;
    case 'lsn':
      return `--at ${formatLsn(target.lsn)}${target.inclusive ? ' (with the record there)' : ''}`;
    case 'xid':
      return `${target.inclusive ? '--xid' : '--before-xid'} ${target.xid}`;
    case 'name': {
      const until = target.until === undefined ? '' : ` --at ${target.until.toISOString()}`;
      return `--name ${JSON.stringify(target.name)}${until}`;
    }
  }
}
