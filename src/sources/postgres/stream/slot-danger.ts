import { formatBytes } from '../../../core/index.ts';
import type { StreamAlarm } from '../../source.ts';
import type { SlotLook } from './slot-look.ts';

/** Of what the slot may hold back. */
const earlyShare = 0.5;
const lateShare = 0.8;
/** Where nothing limits the slot, the disk of the server does; nobody tells us how large that is. */
const unlimitedEarlyBytes = 4 * 2 ** 30;
const unlimitedLateBytes = 16 * 2 ** 30;

/** How near the server is to giving up WAL that we do not have. Undefined: far. Pure. */
export function judgeSlot(look: SlotLook, slot: string): StreamAlarm | undefined {
  const { limitBytes, safeBytes, heldBytes, walStatus } = look;
  // What is lost already ends the stream, with an alarm of its own.
  if (walStatus === undefined || walStatus === 'lost') return undefined;
  const held = `the slot ${slot} holds back ${formatBytes(heldBytes)} of WAL`;
  if (limitBytes === undefined) {
    if (heldBytes < unlimitedEarlyBytes) return undefined;
    return {
      code: 'postgres.slot-endangered',
      level: heldBytes < unlimitedLateBytes ? 'early' : 'late',
      message: `${held}, without a limit: the disk of the server fills up`,
      action: 'the stream goes on',
      hint: 'See why WAL does not reach the repository. With max_slot_wal_keep_size the server gives the slot up before its disk is full.',
    };
  }
  const safe = safeBytes ?? Math.max(0, limitBytes - heldBytes);
  const share = 1 - safe / limitBytes;
  if (share < earlyShare && walStatus !== 'unreserved') return undefined;
  return {
    code: 'postgres.slot-endangered',
    level: share < lateShare && walStatus !== 'unreserved' ? 'early' : 'late',
    message: `${held} of ${formatBytes(limitBytes)} it may; after ${formatBytes(Math.max(0, safe))} more it is lost, and the recovery window has a gap`,
    action: 'the stream goes on; a slot that is lost is made anew, with a base backup at once',
    hint: 'See why WAL does not reach the repository, or raise max_slot_wal_keep_size (a reload is enough): ALTER SYSTEM SET max_slot_wal_keep_size = ...; SELECT pg_reload_conf();',
  };
}
