import { expect, it } from 'vitest';
import { databaseFacts, planFacts } from '../../../test/support/plan-facts.ts';
import { predictLoss } from './predict-loss.ts';

const window = (timeline: number, to: string) => ({
  from: '2026-11-26T06:00:00.000Z',
  to,
  fromLsn: '0/2000000',
  toLsn: '0/3000000',
  timeline,
});

it('names what a recovery that was taken back had taken', () => {
  const source = databaseFacts({
    windows: [window(1, '2026-11-26T06:49:48.000Z')],
    givenUp: [
      window(3, '2026-11-26T07:00:40.000Z'),
      // All of it lies before what goes on.
      window(2, '2026-11-26T06:10:00.000Z'),
    ],
  });
  const choice = { source: source.name, method: 'full-restore' } as const;
  const { basis } = predictLoss(choice, planFacts({ sources: [source] }));
  expect(basis.filter((line) => line.includes('taken back'))).toEqual([
    'database: what was written until 2026-11-26T07:00:40.000Z to the recovery that was taken back is stored too, and comes back by --timeline 3 only',
  ]);
});
