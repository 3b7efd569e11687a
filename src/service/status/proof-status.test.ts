import { describe, expect, it } from 'vitest';
import { memoryRepository } from '../../../test/support/memory-repository.ts';
import type { Proof } from '../../recovery/index.ts';
import type { RecoveryWindow } from '../../sources/index.ts';
import { proofStatus } from './proof-status.ts';

const day = 86_400_000;
const proof: Proof = {
  format: 1,
  source: 'shop',
  verdict: 'passed',
  startTime: '2026-11-26T04:00:00.000Z',
  target: 'the newest state',
  snapshot: 'aa',
  fromLsn: '0/1000',
  reachedLsn: '0/2000',
  phases: [],
  rtoMs: 5,
  checks: [],
};
const failed: Proof = {
  ...proof,
  verdict: 'failed',
  checks: [
    {
      check: 'foreign-keys',
      title: '',
      verdict: 'failed',
      looked: '',
      objects: 1,
      bytes: 0,
      durationMs: 0,
      problems: [{ object: 'of_customer', problem: '1 row' }],
      notChecked: [],
    },
  ],
};

async function status(
  proofs: readonly unknown[],
  {
    days = 0,
    schedule = true,
    windowDays = 0,
  }: { days?: number; schedule?: boolean; windowDays?: number },
) {
  await using repository = (await memoryRepository()).open();
  for (const body of proofs)
    await repository.records.append({ kind: 'proof', source: 'shop', body });
  const now = new Date(Date.now() + days * day);
  const window = {
    from: new Date(now.getTime() - windowDays * day),
    to: now,
    fromLsn: '0/1000',
    toLsn: '0/3000',
    snapshots: ['aa'],
  } as unknown as RecoveryWindow;
  const setting = { validForMs: 8 * day, ...(schedule ? { schedule: '0 4 * * *' } : {}) };
  return await proofStatus({ repository, source: 'shop', setting, window, now });
}

describe('the proofs of a source', () => {
  it('are wanted where they are scheduled, once there was time for one', async () => {
    expect(await status([], {})).toMatchObject({ needsAttention: false });
    expect(await status([], { windowDays: 9 })).toMatchObject({ needsAttention: true });
    expect(await status([], { windowDays: 9, schedule: false })).toMatchObject({
      needsAttention: false,
    });
  });

  it('count until they expire, and cover what they covered', async () => {
    expect(await status([proof], { days: 7 })).toMatchObject({
      needsAttention: false,
      passed: { isExpired: false, snapshot: 'aa' },
      coverage: {
        proven: [{ fromLsn: '0/1000', toLsn: '0/2000' }],
        unproven: [{ fromLsn: '0/2000', toLsn: '0/3000' }],
      },
    });
    expect(await status([proof], { days: 9 })).toMatchObject({
      needsAttention: true,
      passed: { isExpired: true },
      coverage: { proven: [] },
    });
    expect(await status([proof], { days: 9, schedule: false })).toMatchObject({
      needsAttention: false,
    });
  });

  it('that failed ask for attention, by name, until one passes', async () => {
    expect(await status([proof, failed], { schedule: false })).toMatchObject({
      needsAttention: true,
      last: { verdict: 'failed', failures: ['foreign-keys: of_customer: 1 row'] },
      passed: { isExpired: false },
    });
    expect(await status([failed, proof], {})).toMatchObject({ needsAttention: false });
  });

  it('of another format are none', async () => {
    const seen = await status([{ ...proof, format: 2 }, { verdict: 'passed' }, null], {});
    expect(seen.last).toBeUndefined();
  });
});
