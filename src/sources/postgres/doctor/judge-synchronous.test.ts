import { expect, it } from 'vitest';
import type { SlotLook } from '../stream/slot-look.ts';
import { judgeWaiting } from './judge-synchronous.ts';

/** As it is while nothing streams. */
const look: SlotLook = {
  active: false,
  heldBytes: 0,
  isStandby: false,
  standbyNames: '"boat"',
  commitLevel: 'on',
  commitsWaiting: 0,
};

it('tells before the stream runs whether commits will wait as they should', () => {
  expect(judgeWaiting(look, 'on', 'boat')?.outcome).toBe('ok');
  expect(judgeWaiting({ ...look, standbyNames: '' }, undefined, 'boat')).toBeUndefined();
  expect(judgeWaiting({ ...look, standbyNames: '' }, 'on', 'boat')).toMatchObject({
    outcome: 'problem',
    remedy: expect.stringContaining('synchronous_standby_names'),
  });
  expect(judgeWaiting({ ...look, standbyNames: 'other' }, 'remote_write', 'boat')).toMatchObject({
    outcome: 'problem',
  });
  expect(judgeWaiting({ ...look, commitLevel: 'remote_apply' }, undefined, 'boat')).toMatchObject({
    outcome: 'problem',
    fact: expect.stringContaining('hang'),
  });
});
