import { describe, expect, it } from 'vitest';
import { Guarantees } from './guarantees.ts';
import type { SlotLook } from './slot-look.ts';
import type { StreamOptions } from './stream-options.ts';
import { StatePublisher } from './stream-state.ts';

const gigabyte = 2 ** 30;
const endangered: SlotLook = {
  walStatus: 'extended',
  active: true,
  heldBytes: 0.95 * gigabyte,
  safeBytes: 0.05 * gigabyte,
  limitBytes: gigabyte,
  isStandby: false,
  standbyNames: '',
  commitLevel: 'on',
  syncState: 'async',
  commitsWaiting: 0,
};

function consider(options: Partial<StreamOptions>, look: Partial<SlotLook>) {
  const state = new StatePublisher('shop', () => {});
  const all = { slot: 'boat', ...options } as StreamOptions;
  const guarantees = new Guarantees(all, state, 1000);
  let runsAhead = false;
  guarantees.consider({ ...endangered, ...look }, () => {
    runsAhead = true;
  });
  return { runsAhead, isHurried: guarantees.isHurried };
}

describe('a slot that is nearly lost', () => {
  const runsAhead = (look: Partial<SlotLook>) =>
    consider({ slotMayRunAhead: true }, look).runsAhead;

  it('follows the spool only where no commit may wait for us', () => {
    expect(runsAhead({})).toBe(true);
    const standbyNames = 'FIRST 1 (replica, boat)';
    expect(runsAhead({ standbyNames })).toBe(true);
    // It is waited for as soon as the replica is away.
    for (const syncState of ['potential', 'sync', 'quorum']) {
      expect([syncState, runsAhead({ standbyNames, syncState })]).toEqual([syncState, false]);
    }
  });

  it('is left alone without the policy, and with a promise', () => {
    expect(consider({}, {}).runsAhead).toBe(false);
    expect(consider({ slotMayRunAhead: true, synchronous: 'on' }, {}).runsAhead).toBe(false);
  });
});

describe('WAL goes to the repository at once', () => {
  const waits = { standbyNames: 'boat', syncState: 'sync' };
  it('when commits wait for that, whatever was promised', () => {
    expect(consider({ synchronous: 'on' }, {}).isHurried).toBe(true);
    expect(consider({}, waits).isHurried).toBe(true);
    expect(consider({ synchronous: 'remote_write' }, waits).isHurried).toBe(true);
    const less = { ...waits, commitLevel: 'remote_write' };
    expect(consider({ synchronous: 'remote_write' }, less).isHurried).toBe(false);
    expect(consider({}, {}).isHurried).toBe(false);
  });
});
