// A cluster that lies in the place of a source, and is not the one that was backed up: seen by its ground, answered as if the data were gone.
import { describe, expect, it } from 'vitest';
import {
  databaseFacts,
  elsewhere,
  planFacts,
  snapshotFacts,
} from '../../../test/support/plan-facts.ts';
import { LifeboatError } from '../../core/index.ts';
import type { GroundContents } from '../ground/ground.ts';
import { chooseMethod } from './choose-method.ts';
import type { GroundFacts, ServerCondition, SourceFacts } from './facts.ts';
import { findSituations } from './find-situations.ts';
import { seenByGround } from './foreign-cluster.ts';
import { isWorthLooking, lookAtGround } from './look-at-grounds.ts';

const [stored, foreign] = ['7412345678901234567', '7599999999999999999'];
const place = databaseFacts().ground as GroundFacts;

function source(
  server: ServerCondition,
  ground: Partial<GroundFacts> = {},
  changes: Partial<SourceFacts> = {},
): SourceFacts {
  return seenByGround(
    databaseFacts({
      server,
      snapshots: [snapshotFacts({ systemId: stored })],
      ground: { ...place, systemId: foreign, ...ground },
      ...changes,
    }),
  );
}

const chosen = (seen: SourceFacts) => chooseMethod(planFacts({ sources: [seen] }));

describe('another cluster in the place of a source', () => {
  it.each(['down', 'refusing', 'unknown'] as const)(
    'is answered by a restore, and never by a restart: the server is %s',
    (server) => {
      const seen = source(server);
      expect(seen.server).toBe('other');
      const [worst] = findSituations(seen, planFacts({ sources: [seen] }));
      expect(worst).toMatchObject({
        situation: 'data-gone',
        evidence: `docker volume shop_db holds another cluster (${foreign}) than the one that was backed up (${stored})`,
      });
      const { method, choices, alternatives } = chosen(seen);
      expect(method).toBe('full-restore');
      expect(choices[0]?.moment?.target).toEqual({ kind: 'latest' });
      const restart = alternatives.find((each) => each.method === 'restart');
      expect(restart).toMatchObject({ fits: false });
      expect(restart?.reason).toContain('starting it brings nothing back');
    },
  );

  it('is put back to a moment that is named', () => {
    const seen = source('refusing');
    const time = '2026-11-26T14:00:00.000Z';
    const wish = { target: { target: { kind: 'time', time }, text: time, time } };
    expect(chooseMethod(planFacts({ sources: [seen], wish })).method).toBe('point-in-time');
  });

  it.each<[what: string, seen: SourceFacts, server: ServerCondition]>([
    ['the cluster is the one that was backed up', source('down', { systemId: stored }), 'down'],
    [
      'it was made anew on purpose, and backed up since',
      source(
        'refusing',
        {},
        {
          snapshots: [snapshotFacts({ systemId: foreign }), snapshotFacts({ systemId: stored })],
        },
      ),
      'refusing',
    ],
    ['the ground is another place', source('down', { ...elsewhere, systemId: foreign }), 'down'],
    ['nothing was ever backed up', source('down', {}, { snapshots: [] }), 'down'],
    ['the server itself says that it is ours', source('up'), 'up'],
  ])('is none where %s', (_, seen, server) => {
    expect(seen.server).toBe(server);
    expect(findSituations(seen, planFacts({ sources: [seen] }))).not.toContainEqual(
      expect.objectContaining({ situation: 'data-gone' }),
    );
  });

  it('is not known where the ground does not tell: it is told as before', () => {
    const { systemId: _, ...silent } = place;
    const down = source('down', { systemId: undefined } as never);
    expect(down.server).toBe('down');
    expect(chosen(down).method).toBe('restart');
    const refusing = seenByGround(databaseFacts({ server: 'refusing', ground: silent }));
    expect(chosen(refusing).reasons.join()).toContain('say --type accidental-deletion');
  });
});

it('a server that refuses us and has our cluster is not told to be gone, nor not to answer', () => {
  const seen = source('refusing', { systemId: stored });
  const { method, reasons } = chosen(seen);
  expect(method).toBeUndefined();
  expect(reasons.join()).toContain('its data is that of the cluster that was backed up');
  expect(reasons.join()).not.toContain('accidental-deletion');
  const wish = { method: 'new-backup' } as const;
  const refused = chooseMethod(planFacts({ sources: [seen], wish })).reasons.join();
  expect(refused).toContain('lifeboat@db:5432/shop answers, and refuses to let us in');
  expect(refused).not.toContain('does not answer');
});

describe('looking at a ground', () => {
  it.each<[server: ServerCondition, ground: Partial<GroundFacts>, isWorth: boolean]>([
    ['down', {}, true],
    ['refusing', { kind: 'kubernetes-claim' }, true],
    ['up', {}, true],
    ['up', { kind: 'kubernetes-claim' }, false],
    ['down', { isElsewhere: true }, false],
    ['refusing', { isElsewhere: true }, false],
  ])('of a server that is %s, with %o, is worth it: %s', (server, ground, isWorth) => {
    expect(isWorthLooking({ server }, { ...place, ...ground })).toBe(isWorth);
  });

  const look = async (contents: () => Promise<GroundContents | undefined>, isAsked = true) =>
    await lookAtGround(
      place,
      { kind: 'folder', folder: '/srv/db' },
      async () => ({
        identify: async () => ({ text: 'a place', fingerprint: 'f' }),
        freeBytes: async () => 1000,
        contents,
      }),
      { contents: isAsked },
    );

  it('tells which cluster lies there', async () => {
    const { ground } = await look(async () => ({ isEmpty: false, systemId: foreign }));
    expect(ground).toMatchObject({ isEmpty: false, systemId: foreign, freeBytes: 1000 });
  });

  it('asks nothing of what lies there where that is not asked, and tells of what fails', async () => {
    const failed = () =>
      Promise.reject(new LifeboatError('ground.failed', 'it may not be entered'));
    expect((await look(failed, false)).ground).not.toHaveProperty('problem');
    const { ground } = await look(failed);
    expect(ground).toMatchObject({ problem: 'it may not be entered' });
    expect(ground).not.toHaveProperty('systemId');
  });
});
