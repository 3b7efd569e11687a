import { describe, expect, it } from 'vitest';
import {
  databaseFacts,
  elsewhere,
  now,
  planConfiguration,
  planFacts,
  proofFacts,
  serviceFacts,
  snapshotFacts,
  suspectFacts,
  uploadsFacts,
} from '../../../test/support/plan-facts.ts';
import { buildPlan } from './build-plan.ts';
import { chooseMethod } from './choose-method.ts';
import type { PlanFacts } from './facts.ts';
import type { Method, Plan, RunMode, Step } from './plan.ts';

const configuration = planConfiguration();
const seen = { configuration: 'c'.repeat(64), sources: {} };
const places = { host: { text: 'this host', fingerprint: 'machine-1' } };

function planOf(facts: Partial<PlanFacts>, mode: RunMode = 'live'): Plan {
  const all = planFacts(facts);
  const chosen = chooseMethod(all);
  const { method } = chosen;
  if (method === undefined) throw new Error(chosen.reasons.join('\n'));
  return buildPlan({
    facts: all,
    configuration,
    chosen: { ...chosen, method },
    mode,
    places,
    seen,
  });
}

const kinds = ({ steps }: Plan) => steps.map(({ kind }) => kind);
const at = (time: string) => ({ target: { target: { kind: 'time', time }, text: time, time } });

const deletion = { sources: [databaseFacts({ damage: { suspects: [suspectFacts()] } })] };
const malicious: Partial<PlanFacts> = {
  incident: { id: 'inc-1', severity: 'P0', lossType: 'malicious' },
  wish: at('2026-11-26T03:00:00.000Z'),
  sources: [
    databaseFacts({ ground: elsewhere }),
    uploadsFacts({
      ground: { ...elsewhere, text: '/srv/uploads on standby-1' },
      snapshots: [snapshotFacts({ id: 'b'.repeat(64), time: '2026-11-26T02:00:00.000Z' })],
    }),
  ],
};

describe('the steps of a method', () => {
  const expected: readonly (readonly [Method, Partial<PlanFacts>, readonly string[]])[] = [
    [
      'restart',
      { sources: [databaseFacts({ server: 'down' })] },
      ['identify', 'restart', 'validate', 'watch'],
    ],
    [
      'rescue-rows',
      deletion,
      [
        'identify',
        'freeze',
        'safety-snapshot',
        'assess',
        'rescue-rows',
        'validate',
        'thaw',
        'watch',
        'backup',
        'prove',
      ],
    ],
    [
      'table-from-the-past',
      {
        sources: [databaseFacts({ damage: { suspects: [suspectFacts({ kind: 'drop-table' })] } })],
      },
      [
        'identify',
        'freeze',
        'safety-snapshot',
        'assess',
        'extract',
        'validate',
        'thaw',
        'watch',
        'backup',
        'prove',
      ],
    ],
    [
      'point-in-time',
      { wish: at('2026-11-26T14:00:00.000Z') },
      [
        ...[
          'identify',
          'freeze',
          'safety-snapshot',
          'assess',
          'restore',
          'validate',
          'test-services',
          'deliver',
        ],
        ...[
          'freeze',
          'swap',
          'thaw',
          'command',
          'manual',
          'thaw',
          'watch',
          'backup',
          'prove',
          'settle',
        ],
      ],
    ],
    [
      'full-restore',
      { sources: [databaseFacts({ damage: { isUnreadable: true }, server: 'down' })] },
      [
        ...[
          'identify',
          'freeze',
          'forensic-copy',
          'assess',
          'restore',
          'validate',
          'test-services',
          'deliver',
        ],
        ...[
          'freeze',
          'swap',
          'thaw',
          'command',
          'manual',
          'thaw',
          'watch',
          'backup',
          'prove',
          'settle',
        ],
      ],
    ],
    [
      'new-server',
      {
        incident: { id: 'inc-1', lossType: 'hardware' },
        sources: [databaseFacts({ server: 'down', ground: elsewhere })],
      },
      [
        ...[
          'identify',
          'freeze',
          'forensic-copy',
          'assess',
          'restore',
          'validate',
          'test-services',
          'deliver',
          'swap',
        ],
        // Nothing runs on the new place before a person starts it.
        'manual',
        ...['command', 'manual', 'point-services', 'manual', 'thaw', 'watch', 'manual', 'settle'],
      ],
    ],
    [
      'restore-files',
      {
        sources: [
          uploadsFacts({
            damage: { files: { missing: 1, changed: 0, missingPaths: [], signs: [] } },
          }),
        ],
      },
      [
        'identify',
        'freeze',
        'safety-snapshot',
        'assess',
        'restore-files',
        'validate',
        'thaw',
        'watch',
        'backup',
      ],
    ],
    [
      'restore-files',
      {
        sources: [
          uploadsFacts({
            kind: 'volume',
            damage: { files: { missing: 9, changed: 0, missingPaths: ['a volume'], signs: [] } },
          }),
        ],
      },
      [
        'identify',
        'freeze',
        'forensic-copy',
        'assess',
        'restore-files',
        'validate',
        'thaw',
        'watch',
        'backup',
      ],
    ],
    [
      'restore-files',
      {
        sources: [
          uploadsFacts({
            kind: 'volume',
            isOutOfReach: true,
            ground: { kind: 'docker-volume', text: 'a volume', isElsewhere: false },
            damage: { files: { missing: 1, changed: 0, missingPaths: [], signs: [] } },
          }),
        ],
      },
      [
        ...['identify', 'freeze', 'safety-snapshot', 'assess', 'restore-files', 'validate'],
        'test-services',
        ...['deliver', 'swap', 'command', 'manual', 'thaw', 'watch', 'backup', 'settle'],
      ],
    ],
    [
      'redeploy',
      { services: [serviceFacts({ changes: ['image digest'] })] },
      ['identify', 'redeploy', 'watch'],
    ],
    [
      'new-backup',
      { incident: { id: 'inc-1', lossType: 'backup-failure' } },
      ['identify', 'backup', 'prove'],
    ],
    [
      'clean-rebuild',
      malicious,
      [
        ...[
          'identify',
          'isolate',
          'forensic-copy',
          'clearance',
          'manual',
          'restore',
          'restore-files',
        ],
        ...[
          'validate',
          'validate',
          'test-services',
          'test-services',
          'deliver',
          'deliver',
          'swap',
          'swap',
        ],
        ...['rotate-credentials', 'manual', 'manual', 'manual', 'manual', 'manual', 'manual'],
      ],
    ],
  ];

  it.each(expected)('%s', (method, facts, steps) => {
    const plan = planOf(facts);
    expect(plan.method).toBe(method);
    expect(kinds(plan)).toEqual(steps);
  });

  it('stop those that need others first, and leave the server to its own step', () => {
    const plan = planOf({ wish: at('2026-11-26T14:00:00.000Z') });
    const freezes = plan.steps.filter(({ kind }) => kind === 'freeze');
    expect(freezes.map(({ input }) => input.services)).toEqual([['worker', 'api'], ['postgres']]);
    expect(freezes[0]?.commands).toEqual([
      ['systemctl', 'stop', 'shop-worker.service'],
      ['docker', 'stop', 'shop-api'],
    ]);
  });

  it('say what differs where somebody is asked, not in every line', () => {
    const changes = ['the image is shop:1.5-rc', 'the variable DATABASE_URL has another value'];
    const { steps } = planOf({ services: [serviceFacts({ changes })] });
    const step = steps.find(({ kind }) => kind === 'redeploy');
    expect(step?.title).toBe('Put api back to its recorded baseline');
    expect(step?.approval?.question).toBe(`Replace api (${changes.join(', ')})?`);
  });

  it('put every transaction that can be undone back, and fetch what cannot', () => {
    const suspects = [
      suspectFacts({ kind: 'drop-table', xid: 780 }),
      suspectFacts({
        xid: 770,
        tables: suspectFacts().tables.map((each) => ({ ...each, name: 'items', oid: 17_000 })),
      }),
    ];
    const plan = planOf({ sources: [databaseFacts({ damage: { suspects } })] });
    expect(
      plan.steps.filter(({ kind }) => kind === 'rescue-rows').map(({ input }) => input.xid),
    ).toEqual([770]);
    expect(
      plan.steps.filter(({ kind }) => kind === 'extract').map(({ input }) => input.tables),
    ).toEqual([[{ schema: 'public', name: 'orders' }]]);
  });
});

describe('a table from the past that was asked for', () => {
  it('is all that comes back, without the rows one by one', () => {
    const wish = { method: 'table-from-the-past' } as const;
    expect(kinds(planOf({ ...deletion, wish }))).toContain('extract');
    expect(kinds(planOf({ ...deletion, wish }))).not.toContain('rescue-rows');
  });

  it('lies beside what is there, and a person takes over what is right', () => {
    const { steps } = planOf({ ...deletion, wish: { method: 'table-from-the-past' } });
    const at = steps.findIndex(({ kind }) => kind === 'extract');
    expect(steps[at]?.input).toMatchObject({ into: 'side-schema', database: 'shop' });
    expect(steps[at + 1]).toMatchObject({ kind: 'manual', input: { typed: 'done' } });
  });
});

describe('who is asked', () => {
  const environments = (environment: 'production' | 'staging' | 'development') =>
    planOf({
      wish: at('2026-11-26T14:00:00.000Z'),
      sources: [databaseFacts({ environment })],
    });
  const asked = ({ steps }: Plan) =>
    steps.flatMap(({ id, approval }) => (approval ? [`${id}: ${approval.authority}`] : []));

  it('depends on how much is at stake', () => {
    expect(asked(environments('production'))).toEqual([
      'freeze: execute',
      'stop-database: execute',
      'swap-database: accept-data-loss',
      'after-1: execute',
      'after-2: execute',
      'settle-database: execute',
    ]);
    expect(asked(environments('staging'))).toEqual([
      'freeze: execute',
      'swap-database: accept-data-loss',
      'after-2: execute',
      'settle-database: execute',
    ]);
    // What a person does is never taken for done.
    expect(asked(environments('development'))).toEqual([
      'stop-database: execute',
      'after-2: execute',
    ]);
  });

  it('names what is given up where it is given up, and asks for the name of the source', () => {
    const swap = environments('production').steps.find(({ kind }) => kind === 'swap');
    expect(swap?.approval).toMatchObject({ typed: 'database', persons: 1, timeoutMs: 3_600_000 });
    expect(swap?.approval?.question).toContain(
      'every write to database of 33m 15s after 2026-11-26T14:00:00.000Z',
    );
  });

  it('says where more is given up than is promised, and does not where less is', () => {
    const planned = (rpoMs: number) =>
      planOf({ wish: at('2026-11-26T14:00:00.000Z'), sources: [databaseFacts({ rpoMs })] });
    const said = 'more than the 5m 0s that are promised at most (RPO)';
    const strict = planned(300_000);
    expect(strict.predicted).toMatchObject({ missedRpoMs: 300_000, lossMs: 1_995_000 });
    expect(strict.predicted.loss).toContain(said);
    const swap = strict.steps.find(({ kind }) => kind === 'swap');
    expect(swap?.approval?.question).toContain(said);
    const mild = planned(3_600_000);
    expect(mild.predicted).not.toHaveProperty('missedRpoMs');
    expect(mild.predicted.loss).not.toContain('RPO');
  });

  it('wants two people where that is configured', () => {
    const two = planConfiguration(
      (text) => `${text}  twoPersons: [accept-data-loss]\n  approvalWithin: 15m\n`,
    );
    const facts = planFacts({ wish: at('2026-11-26T14:00:00.000Z') });
    const chosen = chooseMethod(facts);
    const plan = buildPlan({
      facts,
      configuration: two,
      chosen: { ...chosen, method: 'point-in-time' },
      mode: 'live',
      places,
      seen,
    });
    const { approval } = plan.steps.find(({ kind }) => kind === 'swap') as Step;
    expect(approval).toMatchObject({ persons: 2, timeoutMs: 900_000 });
  });

  it('freezes nobody for a P3 on staging', () => {
    const facts = {
      incident: { id: 'inc-1', severity: 'P3' as const },
      wish: at('2026-11-26T14:00:00.000Z'),
      sources: [databaseFacts({ environment: 'staging' as const })],
    };
    const freezes = planOf(facts).steps.filter(({ kind }) => kind === 'freeze');
    expect(freezes.map(({ id }) => id)).toEqual(['stop-database']);
  });

  it('freezes each source as a freeze by hand would, with who needs its writers', () => {
    const { steps } = planOf({
      incident: { id: 'inc-1', severity: 'P3' },
      wish: at('2026-11-26T14:00:00.000Z'),
      sources: [databaseFacts({ environment: 'staging' }), uploadsFacts()],
    });
    // The worker does not write to uploads: it needs the api, which does.
    const input = { services: ['worker', 'api'], sources: [], maintenance: false };
    expect(steps.find(({ id }) => id === 'freeze')).toMatchObject({ kind: 'freeze', input });
    expect(steps.find(({ id }) => id === 'thaw')?.target).not.toContain('lifeboat@db');
  });
});

describe('a prediction', () => {
  it('comes from what a proof measured, by size, and names it', () => {
    const { predicted, steps } = planOf({ wish: at('2026-11-26T14:00:00.000Z') });
    expect(steps.find(({ id }) => id === 'restore-database')?.expectedMs).toBe(44_000);
    expect(steps.find(({ id }) => id === 'validate-database')?.expectedMs).toBe(50_000);
    // The safety snapshot as long as the last backup.
    expect(predicted.durationMs).toBe(90_000 + 44_000 + 50_000);
    expect(predicted.basis.join('\n')).toContain('4 GiB restored in 41 s');
    expect(predicted.unmeasured).toContain('swap-database');
    expect(predicted).toMatchObject({ lossMs: 33 * 60_000 + 15_000 });
  });

  it('grows with the base that is restored', () => {
    const base = snapshotFacts({
      id: 'd'.repeat(64),
      bytes: 8 * 2 ** 30,
      time: '2026-11-26T13:00:00.000Z',
      lsn: '0/7000000',
    });
    const sources = [databaseFacts({ snapshots: [base, snapshotFacts()] })];
    const { steps } = planOf({ wish: at('2026-11-26T14:00:00.000Z'), sources });
    expect(steps.find(({ id }) => id === 'restore-database')?.expectedMs).toBe(85_000);
  });

  it('is none where nothing like it was ever measured', () => {
    const sources = [
      databaseFacts({
        proofs: [proofFacts({ verdict: 'failed' })],
        snapshots: [{ id: 'a'.repeat(64), time: '2026-11-26T02:05:00.000Z', bytes: 1, doubts: [] }],
      }),
    ];
    const { predicted, steps } = planOf({ wish: at('2026-11-26T14:00:00.000Z'), sources });
    expect(predicted.durationMs).toBeUndefined();
    expect(
      steps.filter(({ expectedMs }) => expectedMs !== undefined).map(({ kind }) => kind),
    ).toEqual(['watch']);
  });

  it('says what a former rescue took, by rows', () => {
    const measured = [
      {
        kind: 'rescue-rows' as const,
        source: 'database',
        durationMs: 2000,
        time: now,
        where: 'rescue 11aa22bb',
        amount: { of: 'rows' as const, count: 1000 },
      },
    ];
    const { steps, predicted } = planOf({ ...deletion, measured });
    expect(steps.find(({ kind }) => kind === 'rescue-rows')?.expectedMs).toBe(10_000);
    expect(predicted).toMatchObject({ loss: 'none', lossMs: 0 });
    // The state before has to be restored for it, unless the whole step was measured.
    const part = measured.map((each) => ({ ...each, isPart: true as const }));
    const whole = planOf({ ...deletion, measured: part }).steps;
    expect(whole.find(({ kind }) => kind === 'rescue-rows')?.expectedMs).toBe(54_000);
  });

  it('is there for each alternative that fits', () => {
    const { alternatives } = planOf(deletion);
    expect(
      alternatives
        .filter(({ fits }) => fits)
        .map(({ method, predicted }) => [method, predicted?.loss]),
    ).toEqual([
      ['table-from-the-past', 'none'],
      ['point-in-time', 'every write to database of 4m 12s after 2026-11-26T14:29:03.000Z'],
    ]);
  });
});
