import { describe, expect, it } from 'vitest';
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

describe('the newest state along a timeline that was named', () => {
  const source = databaseFacts({
    windows: [window(1, '2026-11-26T06:49:48.000Z')],
    givenUp: [window(2, '2026-11-26T07:00:40.000Z')],
  });
  const lossAlong = (timeline: number) => {
    const moment = { target: { kind: 'latest' }, text: 'the newest', timeline };
    const choice = { source: source.name, method: 'point-in-time', moment } as const;
    return predictLoss(choice, planFacts({ sources: [source] }));
  };

  it('gives up what came after its own end', () => {
    const { loss, basis } = lossAlong(2);
    expect(loss).toMatch(/^every write to database of .* after 2026-11-26T07:00:40.000Z$/);
    expect(basis.join()).not.toContain('--timeline 2 only');
  });

  it('names what others took after it', () => {
    const { loss, basis } = lossAlong(1);
    expect(loss).toContain('after 2026-11-26T06:49:48.000Z');
    expect(basis).toContain(
      'database: what was written until 2026-11-26T07:00:40.000Z along timeline 2 does not come along; it is stored',
    );
  });

  it('is not known where no log of it is stored', () => {
    expect(lossAlong(7).loss).toContain('nobody knows');
  });
});
