// Files that are none of a cluster in the place of a source: as good as nothing. Where that cannot be told, all is as it was.
import { expect, it } from 'vitest';
import { databaseFacts, elsewhere, planFacts } from '../../../test/support/plan-facts.ts';
import { chooseMethod } from './choose-method.ts';
import type { GroundFacts, SourceFacts } from './facts.ts';

const place = { ...(databaseFacts().ground as GroundFacts), isEmpty: false };
const chosen = (changes: Partial<SourceFacts>, wish = {}) =>
  chooseMethod(
    planFacts({ wish, sources: [databaseFacts({ server: 'down', ...changes } as object)] }),
  );

it('a place that holds no cluster is answered by a restore, and never by a restart', () => {
  const ground: GroundFacts = { ...place, hasNoCluster: true };
  const { method, reasons, alternatives } = chosen({ ground });
  expect(method).toBe('full-restore');
  expect(reasons.join()).toContain(
    'the server does not work, and docker volume shop_db holds files, and no data of a PostgreSQL server',
  );
  const restart = alternatives.find((each) => each.method === 'restart');
  expect(restart).toMatchObject({ fits: false });
  expect(restart?.reason).toContain('started again it would be new and empty, or not start');
  const time = '2026-11-26T14:00:00.000Z';
  const target = { target: { kind: 'time', time }, text: time, time };
  expect(chosen({ ground }, { target }).method).toBe('point-in-time');
});

it.each<[what: string, ground: GroundFacts]>([
  ['nobody could tell', place],
  ['it is another place', { ...elsewhere, isEmpty: false, hasNoCluster: true }],
])('a server that is down is started again where %s', (_, ground) => {
  expect(chosen({ ground }).method).toBe('restart');
});
