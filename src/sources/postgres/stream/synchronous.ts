import type { StreamAlarm } from '../../source.ts';
import type { SlotLook } from './slot-look.ts';

/** What a commit on the server waits for: WAL in the spool, or in the repository. */
export type SynchronousLevel = 'remote_write' | 'on';

/** Whether the server counts us among those it waits for; undefined when it cannot be known. */
export function isWaitedFor({ standbyNames, syncState }: SlotLook): boolean | undefined {
  if (standbyNames.trim() === '') return false;
  if (syncState === undefined) return undefined;
  return syncState === 'sync' || syncState === 'quorum';
}

/**
 * Whether it can be ruled out that a commit waits for us. A `potential` one takes the place of the standby that the server waits for when that
 * goes away, and what it was told before counts.
 */
export function isNeverWaitedFor({ standbyNames, syncState }: SlotLook): boolean {
  return standbyNames.trim() === '' || syncState === 'async';
}

/** What the server does is not what was asked for, or it waits for what never comes. Pure. */
export function judgeSynchronous(
  look: SlotLook,
  wanted: SynchronousLevel | undefined,
  applicationName: string,
): StreamAlarm | undefined {
  const waits = isWaitedFor(look);
  if (waits && look.commitLevel === 'remote_apply') {
    return {
      code: 'postgres.remote-apply',
      level: 'late',
      message:
        'synchronous_commit is remote_apply and the server waits for us: nothing is ever applied here, so its commits hang',
      action: 'commits wait until this is changed',
      hint: `As a superuser: ALTER SYSTEM SET synchronous_commit = '${wanted ?? 'on'}'; SELECT pg_reload_conf(); where it is set for a role or a database, there too.`,
    };
  }
  if (wanted === undefined || !look.active || look.isStandby) return undefined;
  if (waits === false) {
    return {
      code: 'postgres.not-synchronous',
      level: 'late',
      message: `no commit waits for us: ${whyNot(look, applicationName)}. What was committed last can be lost`,
      action: 'the stream goes on',
      hint: `As a superuser: ALTER SYSTEM SET synchronous_standby_names = '"${applicationName}"'; SELECT pg_reload_conf();`,
    };
  }
  const enough = wanted === 'on' ? ['on'] : ['on', 'remote_write'];
  if (enough.includes(look.commitLevel)) return undefined;
  return {
    code: 'postgres.not-synchronous',
    level: 'late',
    message: `synchronous_commit is ${look.commitLevel}: commits do not wait as \`synchronous: ${wanted}\` promises`,
    action: 'the stream goes on',
    hint: `As a superuser: ALTER SYSTEM SET synchronous_commit = '${wanted}'; SELECT pg_reload_conf();`,
  };
}

function whyNot({ standbyNames, syncState }: SlotLook, applicationName: string): string {
  if (standbyNames.trim() === '') return 'synchronous_standby_names is empty';
  return `synchronous_standby_names is ${standbyNames}, for which ${applicationName} is ${syncState}`;
}
