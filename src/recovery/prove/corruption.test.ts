import { expect, it } from 'vitest';
import { type ErrorCode, LifeboatError } from '../../core/index.ts';
import type { Repository } from '../../repository/index.ts';
import type { CheckResult } from '../validate/check.ts';
import { traceCorruption } from './corruption.ts';

const damaged = [
  { object: 'shop.public.orders', path: 'base/5/16384', firstBlock: 0, blocks: [7] },
];

const traceWhere = (code: ErrorCode) =>
  traceCorruption({
    repository: {
      snapshots: () => Promise.reject(new LifeboatError(code, 'the repository does not answer')),
    } as unknown as Repository,
    source: 'database',
    checks: [{ damaged }] as unknown as readonly CheckResult[],
    pageSizeBytes: 8192,
  });

it('leaves what was found to be recorded when the repository cannot say where a page is intact', async () => {
  expect(await traceWhere('location.unreachable')).toEqual([]);
  expect(await traceWhere('repository.damaged')).toEqual([]);
});

it('ends when it is cancelled', async () => {
  await expect(traceWhere('cancelled')).rejects.toMatchObject({ code: 'cancelled' });
});
