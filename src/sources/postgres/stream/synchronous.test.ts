import { describe, expect, it } from 'vitest';
import type { SlotLook } from './slot-look.ts';
import { isWaitedFor, judgeSynchronous, type SynchronousLevel } from './synchronous.ts';

const look: SlotLook = {
  walStatus: 'reserved',
  active: true,
  heldBytes: 0,
  isStandby: false,
  standbyNames: '"boat"',
  commitLevel: 'on',
  syncState: 'sync',
  commitsWaiting: 0,
};
const judge = (change: Partial<SlotLook>, wanted?: SynchronousLevel) =>
  judgeSynchronous({ ...look, ...change }, wanted, 'boat');

describe('whether commits wait for us', () => {
  it('is known from the server alone', () => {
    expect(isWaitedFor(look)).toBe(true);
    expect(isWaitedFor({ ...look, syncState: 'potential' })).toBe(false);
    expect(isWaitedFor({ ...look, standbyNames: ' ' })).toBe(false);
    const { syncState: _, ...hidden } = look;
    expect(isWaitedFor(hidden)).toBeUndefined();
  });

  it('is an alarm when they do not although they should', () => {
    expect(judge({}, 'on')).toBeUndefined();
    expect(judge({ commitLevel: 'remote_write' }, 'remote_write')).toBeUndefined();
    expect(judge({ commitLevel: 'on' }, 'remote_write')).toBeUndefined();
    expect(judge({ standbyNames: '', syncState: 'async' }, 'on')).toMatchObject({
      code: 'postgres.not-synchronous',
      hint: expect.stringContaining(`synchronous_standby_names = '"boat"'`),
    });
    expect(judge({ syncState: 'potential' }, 'on')?.message).toContain('potential');
    expect(judge({ commitLevel: 'remote_write' }, 'on')?.message).toContain('remote_write');
    expect(judge({ commitLevel: 'local' }, 'remote_write')?.message).toContain('local');
  });

  it('is none while nobody asks for it, or the stream is away', () => {
    expect(judge({ standbyNames: '' })).toBeUndefined();
    expect(judge({ standbyNames: '', active: false }, 'on')).toBeUndefined();
  });

  it('remote_apply is always one: such a commit never ends', () => {
    expect(judge({ commitLevel: 'remote_apply' })).toMatchObject({ code: 'postgres.remote-apply' });
    expect(judge({ commitLevel: 'remote_apply' }, 'on')?.hint).toContain(`'on'`);
    expect(judge({ commitLevel: 'remote_apply', standbyNames: '' })).toBeUndefined();
  });
});
