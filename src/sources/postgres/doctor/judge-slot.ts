import { formatBytes, formatDuration } from '../../../core/index.ts';
import { ok, problem, warning } from './finding.ts';
import type { Judge } from './judge-server.ts';

const heldBytesMax = 4 * 2 ** 30;

/** Our slot, and what the server does with slots. */
export const slotJudges: readonly Judge[] = [
  ({ slotsMax, slotsUsed, slot }) =>
    slot || slotsUsed < slotsMax
      ? ok('max_replication_slots', `${slotsUsed} of ${slotsMax} replication slots are in use`)
      : problem(
          'max_replication_slots',
          `all ${slotsMax} replication slots are in use`,
          `Drop a slot nobody needs, or as a superuser: ALTER SYSTEM SET max_replication_slots = ${slotsMax + 4}; then restart the server.`,
        ),
  ({ slot }, name) => {
    if (!slot) return ok('slot', `the slot ${name} does not exist yet; streaming makes it`);
    if (slot.type !== 'physical') {
      return problem(
        'slot',
        `the slot ${name} is ${slot.type}, not physical`,
        'Name another slot in the configuration.',
      );
    }
    if (slot.walStatus === 'lost') {
      return problem(
        'slot',
        `the slot ${name} is lost: the server has removed WAL that was not fetched`,
        'Run `lifeboat backup`; `lifeboat serve` does it by itself. Consider a larger max_slot_wal_keep_size.',
      );
    }
    const left = slot.safeBytes === null ? '' : `; ${formatBytes(slot.safeBytes)} more may follow`;
    const fact = `the slot ${name} is ${slot.active ? 'in use' : 'not in use'} and holds ${formatBytes(slot.heldBytes)} of WAL${left}`;
    const isNearLoss = slot.safeBytes !== null && slot.safeBytes < slot.heldBytes / 4;
    if (slot.heldBytes > heldBytesMax || slot.walStatus === 'unreserved' || isNearLoss) {
      return warning('slot', fact, 'Start `lifeboat serve`, so that the server can let go of it.');
    }
    return ok('slot', fact);
  },
  ({ slotWalKeepMb }) =>
    slotWalKeepMb === -1
      ? warning(
          'max_slot_wal_keep_size',
          'max_slot_wal_keep_size sets no limit: while nobody streams, WAL can fill the disk of the server',
          "As a superuser: ALTER SYSTEM SET max_slot_wal_keep_size = '50GB'; SELECT pg_reload_conf(); (what its disk can spare)",
        )
      : ok(
          'max_slot_wal_keep_size',
          `the slot may hold back ${formatBytes(slotWalKeepMb * 2 ** 20)}`,
        ),
  ({ idleSlotLimitMs }) =>
    idleSlotLimitMs === null || idleSlotLimitMs === 0
      ? undefined
      : warning(
          'idle_replication_slot_timeout',
          `the server gives up a slot that nobody used for ${formatDuration(idleSlotLimitMs)}: a pause of \`lifeboat serve\` tears the log`,
          'As a superuser: ALTER SYSTEM SET idle_replication_slot_timeout = 0; SELECT pg_reload_conf(); (max_slot_wal_keep_size is limit enough)',
        ),
];
