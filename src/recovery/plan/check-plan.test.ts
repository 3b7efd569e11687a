import { describe, expect, it } from 'vitest';
import {
  databaseFacts,
  elsewhere,
  planConfiguration,
  planFacts,
  proofFacts,
  serviceFacts,
  snapshotFacts,
  suspectFacts,
} from '../../../test/support/plan-facts.ts';
import type { Configuration } from '../../config/index.ts';
import type { GroundContents } from '../ground/ground.ts';
import type { StepContext, StepKind, StepKindName } from '../steps/step-kind.ts';
import type { Surroundings } from '../surroundings.ts';
import { buildPlan } from './build-plan.ts';
import { changedSince } from './changed-since.ts';
import { checkApprovals } from './check/check-approvals.ts';
import { checkIntrusion } from './check/check-intrusion.ts';
import { checkMoment } from './check/check-moment.ts';
import { checkOrder } from './check/check-order.ts';
import { checkRestorePoints } from './check/check-restore-points.ts';
import { checkServices } from './check/check-services.ts';
import { checkSteps } from './check/check-steps.ts';
import type { PlanFinding } from './check/plan-finding.ts';
import { checkPlan } from './check-plan.ts';
import { chooseMethod } from './choose-method.ts';
import type { PlanFacts } from './facts.ts';
import type { Plan } from './plan.ts';
import { sealPlan } from './seal-plan.ts';

const time = '2026-11-26T14:00:00.000Z';
const wish = { target: { target: { kind: 'time', time }, text: time, time } };
const places = {
  'service api': { text: 'docker on web-1', fingerprint: 'engine-1' },
  'service worker': { text: 'systemd on web-1', fingerprint: 'machine-1' },
  'service postgres': { text: 'docker on web-1', fingerprint: 'engine-1' },
  'server of database': { text: 'lifeboat@db:5432/shop', fingerprint: '7412345678901234567' },
};
const seen = {
  configuration: 'c'.repeat(64),
  sources: { database: { systemId: '7412345678901234567', newestSnapshot: 'a'.repeat(64) } },
};

function planOf(facts: PlanFacts, configuration: Configuration = planConfiguration()): Plan {
  const chosen = chooseMethod(facts);
  const { method } = chosen;
  if (method === undefined) throw new Error(chosen.reasons.join('\n'));
  const request = { facts, configuration, places, seen, mode: 'live' } as const;
  return buildPlan({ ...request, chosen: { ...chosen, method } });
}

const facts = planFacts({ wish });
const plan = planOf(facts);
const told = (findings: readonly PlanFinding[], outcome: PlanFinding['outcome']) =>
  findings.filter((each) => each.outcome === outcome).map(({ fact }) => fact);
const changed = (change: (steps: Plan['steps']) => Plan['steps']) =>
  sealPlan({ ...plan, steps: change(plan.steps) });

describe('the order of a plan', () => {
  it('is right when each step comes after what it needs', () => {
    expect(told(checkOrder(plan), 'problem')).toEqual([]);
  });

  it.each([
    [
      'a step before what it needs',
      (steps: Plan['steps']) => steps.toReversed(),
      'which does not come before it',
    ],
    [
      'two of one name',
      (steps: Plan['steps']) => [...steps, ...steps.slice(0, 1)],
      'two steps are called identify',
    ],
    [
      'a freeze that nothing thaws',
      (steps: Plan['steps']) => steps.filter(({ id }) => id !== 'thaw'),
      'nothing thaws what freeze froze',
    ],
  ])('is wrong with %s', (_, change, fact) => {
    expect(told(checkOrder(changed(change)), 'problem').join('\n')).toContain(fact);
  });
});

describe('approvals', () => {
  it('can be given by somebody', () => {
    expect(told(checkApprovals(plan, planConfiguration().recovery), 'problem')).toEqual([]);
    expect(told(checkApprovals(plan, {}), 'problem')).toEqual([]);
  });

  it('that nobody may give are a problem', () => {
    const people = { ada: { may: ['execute' as const] } };
    expect(told(checkApprovals(plan, { people }), 'problem')).toEqual([
      'nobody may allow accept-data-loss',
    ]);
  });

  it('by two people need two people', () => {
    const two = planConfiguration((text) => `${text}  twoPersons: [accept-data-loss]\n`);
    expect(told(checkApprovals(planOf(facts, two), two.recovery), 'problem')).toEqual([
      'accept-data-loss is to be allowed by two people, and only grace may',
    ]);
    expect(told(checkApprovals(planOf(facts, two), {}), 'problem').join()).toContain(
      'nobody says who is who',
    );
  });
});

describe('services', () => {
  const { services } = planConfiguration();

  it('are known and said who they are', () => {
    expect(told(checkServices(plan, facts, services), 'problem')).toEqual([]);
  });

  it('that are gone from the configuration, or never said who they are, are problems', () => {
    const [, ...others] = services;
    expect(told(checkServices(plan, facts, others), 'problem')).toEqual([
      'the service postgres is not in the configuration any more',
    ]);
    const { 'service api': _, ...rest } = places;
    const unseen = ['could not ask the place of service api: no docker'];
    const blind = sealPlan({ ...plan, places: rest });
    expect(told(checkServices(blind, { ...facts, unseen }, services), 'problem')).toEqual(unseen);
  });

  it('that are not there are said to be made again where a step does it', () => {
    const gone = serviceFacts({ status: 'absent' });
    const without = planFacts({ wish, services: [gone] });
    const rebuilt = planOf(without);
    expect(told(checkServices(rebuilt, without, services), 'warning')).toEqual([
      'the service api is not there: it is made again',
    ]);
    const steps = rebuilt.steps.filter(({ id }) => id !== 'start-api');
    expect(
      told(checkServices(sealPlan({ ...rebuilt, steps }), without, services), 'warning'),
    ).toEqual(['the service api does not exist where the configuration says']);
  });

  it('none of which is configured may still write', () => {
    const none = planConfiguration((text) =>
      text.replace(/services:[\s\S]*recovery:/, 'recovery:').replace('    service: postgres\n', ''),
    );
    const { service: _, ...source } = databaseFacts();
    const bare = planFacts({ wish, sources: [source], services: [] });
    expect(told(checkServices(planOf(bare, none), bare, []), 'warning').join()).toContain(
      'whoever writes goes on',
    );
  });
});

describe('restore points', () => {
  const of = (source: Parameters<typeof databaseFacts>[0]) =>
    planFacts({ wish, sources: [databaseFacts(source)] });

  it('that were proven are right', () => {
    expect(told(checkRestorePoints(plan, facts), 'ok').join()).toContain('proven 2026-11-26');
  });

  it.each([
    ['never proven', { proofs: [] }, 'was never proven'],
    ['whose proof has expired', { proofs: [proofFacts({ isValid: false })] }, 'counts no more'],
    [
      'that are flagged',
      { snapshots: [snapshotFacts({ doubts: ['it is flagged'] })] },
      'it is flagged',
    ],
  ])('%s are a warning', (_, source, fact) => {
    const each = of(source);
    expect(told(checkRestorePoints(planOf(each), each), 'warning').join()).toContain(fact);
  });

  it('that are gone since are a problem', () => {
    expect(told(checkRestorePoints(plan, of({ snapshots: [] })), 'problem').join()).toContain(
      'no snapshot of database',
    );
  });

  it('of a rescue are the state before its transaction', () => {
    const newer = snapshotFacts({
      id: 'e'.repeat(64),
      time: '2026-11-26T14:31:00.000Z',
      lsn: '0/8800000',
    });
    const suspects = [suspectFacts()];
    const each = planFacts({
      sources: [databaseFacts({ damage: { suspects }, snapshots: [newer, snapshotFacts()] })],
    });
    expect(told(checkRestorePoints(planOf(each), each), 'ok').join()).toContain(
      'snapshot aaaaaaaa',
    );
  });
});

describe('the moment that is named', () => {
  const damage = { suspects: [suspectFacts()] };
  const to = (target: Readonly<Record<string, unknown>>, time?: string) => {
    const named = { target, text: 'named', ...(time === undefined ? {} : { time }) };
    const each = planFacts({
      incident: { id: 'inc-1', lossType: 'failed-migration' },
      wish: { target: named, method: 'point-in-time' },
      sources: [databaseFacts({ damage })],
    });
    return told(checkMoment(planOf(each), each), 'warning').join();
  };

  it.each([
    ['a time', to({ kind: 'time', time: '2026-11-26T14:30:00.000Z' }, '2026-11-26T14:30:00.000Z')],
    ['a position', to({ kind: 'lsn', lsn: '0/8000200', inclusive: false })],
    ['the commit itself', to({ kind: 'lsn', lsn: '0/8000100', inclusive: true })],
  ])('is warned of when the loss is in it: %s', (_, found) => {
    expect(found).toContain('the loss is in the state that database is taken to: transaction 774');
  });

  it.each([
    ['a time', to({ kind: 'time', time }, time)],
    ['the state just before', to({ kind: 'lsn', lsn: '0/8000100', inclusive: false })],
  ])('is right when the loss is not in it: %s', (_, found) => {
    expect(found).toBe('');
  });
});

describe('an intrusion', () => {
  const malicious = (ground: typeof elsewhere | undefined) =>
    planFacts({
      incident: { id: 'inc-1', lossType: 'malicious' },
      wish: { target: { ...wish.target, time: '2026-11-26T03:00:00.000Z' } },
      sources: [databaseFacts(ground ? { ground } : {})],
    });
  const rebuild = planOf(malicious(elsewhere));

  it('is answered elsewhere', () => {
    expect(told(checkIntrusion(rebuild, malicious(elsewhere)), 'problem')).toEqual([]);
  });

  it('is not answered on the same engine, also when the ground changed after the plan', () => {
    expect(told(checkIntrusion(rebuild, malicious(undefined)), 'problem').join()).toContain(
      'never used again',
    );
  });
});

describe('the code of the steps', () => {
  const context = {} as StepContext;
  const kind = (name: StepKindName, check: StepKind['check']): StepKind => ({
    name,
    ...(check ? { check } : {}),
    probe: async () => ({ found: 'not-done' }),
    run: async () => ({ text: '', result: {}, evidence: {} }),
  });
  const kinds = Object.fromEntries(
    plan.steps.map(({ kind: name }) => [name, kind(name, undefined)]),
  );

  it('says itself what stands against it', async () => {
    const asked: unknown[] = [];
    const swap = kind('swap', async (input) => {
      asked.push(input.source);
      return ['the volume is mounted elsewhere'];
    });
    const found = await checkSteps(plan, { ...kinds, swap }, context);
    expect(found).toMatchObject([
      { outcome: 'problem', step: 'swap-database', fact: 'the volume is mounted elsewhere' },
    ]);
    expect(asked).toEqual(['database']);
  });

  it('that is missing is left to people', async () => {
    const { deliver: _, ...rest } = kinds;
    expect(told(await checkSteps(plan, rest, context), 'warning')).toEqual([
      'this version does not carry out steps of kind deliver by itself',
    ]);
  });
});

describe('a check of a plan', () => {
  it('tells problems first, and room for what is restored', async () => {
    const configuration = planConfiguration();
    const huge = planFacts({
      wish,
      sources: [
        databaseFacts({
          snapshots: [snapshotFacts({ bytes: 2 ** 60, serverVersion: 990_000 })],
          ground: {
            kind: 'docker-volume',
            text: 'docker volume shop_db',
            isElsewhere: false,
            freeBytes: 1000,
          },
        }),
      ],
    });
    const surroundings = { configuration } as Surroundings;
    const found = await checkPlan({ plan: planOf(huge), facts: huge, surroundings });
    const problems = told(found, 'problem').join('\n');
    expect(problems).toContain('database: no PostgreSQL 99 server programs found');
    expect(problems).toContain('free: docker volume shop_db');
    const outcomes = found.map(({ outcome }) => outcome);
    expect(outcomes).toEqual([...outcomes].sort((a, b) => rank(a) - rank(b)));
    for (const { outcome, remedy } of found) expect(remedy === '').toBe(outcome === 'ok');
  });

  it('tells of a ground that holds nothing, or another cluster, while the server works: its data is somewhere else', async () => {
    const ground = {
      kind: 'docker-volume',
      text: 'docker volume shop-db',
      isElsewhere: false,
    } as const;
    const snapshots = [snapshotFacts({ systemId: '7' })];
    const facts = (contents: GroundContents) =>
      planFacts({
        wish,
        sources: [databaseFacts({ snapshots, ground: { ...ground, ...contents } })],
      });
    const configuration = planConfiguration();
    const warnings = async (contents: GroundContents) =>
      told(
        await checkPlan({
          plan: planOf(facts(contents)),
          facts: facts(contents),
          surroundings: { configuration } as Surroundings,
        }),
        'warning',
      ).join('\n');
    expect(await warnings({ isEmpty: true })).toContain('docker volume shop-db holds nothing');
    expect(await warnings({ isEmpty: false, hasNoCluster: true })).toContain(
      'docker volume shop-db holds files, and no data of a PostgreSQL server, and the server works',
    );
    expect(await warnings({ isEmpty: false, systemId: '8' })).toContain(
      'docker volume shop-db holds another cluster (8) than the one that was backed up (7), and the server works',
    );
    expect(await warnings({ isEmpty: false, systemId: '7' })).not.toMatch(
      /holds (nothing|another)/,
    );
  });

  const rank = (outcome: PlanFinding['outcome']) => ({ problem: 0, warning: 1, ok: 2 })[outcome];
});

describe('what changed since', () => {
  it('is nothing when nothing did', () => {
    expect(changedSince(plan, { places, seen })).toEqual([]);
  });

  it.each([
    [
      'another engine',
      {
        places: { ...places, 'service api': { text: 'docker on web-2', fingerprint: 'engine-2' } },
        seen,
      },
      'service api was docker on web-1, and is docker on web-2 now',
    ],
    ['a place that is silent', { places: {}, seen }, 'service api does not say any more who it is'],
    [
      'another configuration',
      { places, seen: { ...seen, configuration: 'd'.repeat(64) } },
      'the configuration was changed',
    ],
    [
      'another cluster',
      {
        places,
        seen: { ...seen, sources: { database: { systemId: '1', newestSnapshot: 'a'.repeat(64) } } },
      },
      'another cluster answers for database',
    ],
  ])('is a problem: %s', (_, now, fact) => {
    expect(told(changedSince(plan, now), 'problem').join('\n')).toContain(fact);
  });

  it('is a warning: a newer snapshot', () => {
    const newer = { ...seen.sources.database, newestSnapshot: 'b'.repeat(64) };
    const found = changedSince(plan, { places, seen: { ...seen, sources: { database: newer } } });
    expect(found).toMatchObject([
      { outcome: 'warning', fact: expect.stringContaining('newest snapshot of database') },
    ]);
  });
});
