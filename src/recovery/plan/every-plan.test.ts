import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  databaseFacts,
  elsewhere,
  planConfiguration,
  planFacts,
  serviceFacts,
  snapshotFacts,
  suspectFacts,
  uploadsFacts,
} from '../../../test/support/plan-facts.ts';
import { buildPlan } from './build-plan.ts';
import { chooseMethod } from './choose-method.ts';
import type { GroundFacts, PlanFacts, SourceFacts } from './facts.ts';
import type { Plan } from './plan.ts';
import { planId, sealPlan } from './seal-plan.ts';

const configuration = planConfiguration();
const seen = { configuration: 'c'.repeat(64), sources: {} };
const places = { host: { text: 'this host', fingerprint: 'machine-1' } };
const at = (time: string) => ({ target: { target: { kind: 'time', time }, text: time, time } });

const volumeGround: GroundFacts = {
  kind: 'docker-volume',
  text: 'docker volume shop_uploads',
  host: 'docker context far',
  isElsewhere: false,
};

const malicious: PlanFacts = planFacts({
  incident: { id: 'inc-1', severity: 'P0', lossType: 'malicious' },
  wish: at('2026-11-26T03:00:00.000Z'),
  sources: [
    databaseFacts({ ground: elsewhere }),
    uploadsFacts({
      ground: { ...elsewhere, text: '/srv/uploads on standby-1' },
      snapshots: [snapshotFacts({ id: 'b'.repeat(64), time: '2026-11-26T02:00:00.000Z' })],
    }),
  ],
});

const damage = fc.record({
  suspects: fc.array(
    fc.record({
      kind: fc.constantFrom('delete', 'truncate', 'drop-table', 'drop-database', 'mass-update'),
      severity: fc.constantFrom('critical', 'high', 'medium', 'low'),
      xid: fc.integer({ min: 3, max: 900 }),
    }),
    { maxLength: 3 },
  ),
  isEmpty: fc.boolean(),
  isUnreadable: fc.boolean(),
});
const world = fc.record({
  damage,
  server: fc.constantFrom('up', 'refusing', 'down', 'other', 'unknown'),
  environment: fc.constantFrom('production', 'staging', 'development'),
  severity: fc.constantFrom('P0', 'P1', 'P2', 'P3', undefined),
  lossType: fc.constantFrom(
    ...([
      'corruption',
      'accidental-deletion',
      'backup-failure',
      'hardware',
      'software-bug',
    ] as const),
    ...(['malicious', 'storage', 'failed-migration', undefined] as const),
  ),
  isElsewhere: fc.boolean(),
  hasGround: fc.boolean(),
  hasService: fc.boolean(),
  hasProof: fc.boolean(),
  moment: fc.constantFrom('2026-11-26T03:00:00.000Z', '2026-11-26T14:00:00.000Z', undefined),
  method: fc.constantFrom(
    undefined,
    undefined,
    'point-in-time',
    'full-restore',
    'new-server',
    'rescue-rows',
  ),
  missing: fc.integer({ min: 0, max: 3 }),
  uploads: fc.constantFrom<Partial<SourceFacts>>(
    {},
    { kind: 'volume' },
    { kind: 'volume', isOutOfReach: true, ground: volumeGround },
  ),
  changes: fc.constantFrom<string[]>([], ['image digest']),
  mode: fc.constantFrom('live', 'drill'),
});

describe('every plan that is built', () => {
  const check = (plan: Plan) => {
    const { steps } = plan;
    const ids = steps.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    let isAsked = false;
    const validated = new Set<unknown>();
    const delivered = new Map<unknown, unknown>();
    for (const [at, step] of steps.entries()) {
      const { kind, input } = step;
      isAsked ||= step.approval !== undefined;
      if (step.isDestructive)
        expect(isAsked, `${step.id} is destructive and was not asked for`).toBe(true);
      if (typeof input.of === 'string' && input.of !== 'live') {
        expect(ids.slice(0, at), `${step.id} comes after what it needs`).toContain(input.of);
      }
      if (kind === 'freeze') {
        expect(
          steps.slice(at).some((later) => later.kind === 'thaw' && later.input.of === step.id),
        ).toBe(true);
      }
      if (kind === 'validate') validated.add(input.of);
      if (kind === 'deliver') delivered.set(step.id, input.of);
      if (kind === 'swap') expect(validated).toContain(delivered.get(input.of));
    }
    const json = JSON.stringify(plan);
    expect(JSON.parse(json)).toEqual(plan);
    expect(sealPlan(JSON.parse(json) as Plan)).toEqual(plan);
    expect(planId(JSON.parse(json) as Plan)).toBe(plan.id);
    expect(plan.id).toMatch(/^[0-9a-f]{16}$/);
    expect(Object.isFrozen(plan.steps[0]?.input)).toBe(true);
    expect(json).not.toContain('hunter2');
    expect(plan.alternatives.length).toBe(9);
  };

  it('asks before it changes, thaws what it froze, swaps what was validated, and keeps its name', () => {
    let built = 0;
    fc.assert(
      fc.property(world, (each) => {
        const facts = planFacts({
          incident: {
            id: 'inc-1',
            ...(each.severity ? { severity: each.severity } : {}),
            ...(each.lossType ? { lossType: each.lossType } : {}),
          },
          wish: {
            ...(each.moment ? at(each.moment) : {}),
            ...(each.method ? { method: each.method } : {}),
          },
          sources: [
            withOptions(
              databaseFacts({
                environment: each.environment,
                server: each.server,
                damage: {
                  ...each.damage,
                  suspects: each.damage.suspects.map((one) => suspectFacts(one)),
                },
                ...(each.isElsewhere ? { ground: elsewhere } : {}),
                ...(each.hasProof ? {} : { proofs: [] }),
              }),
              each,
            ),
            uploadsFacts({
              ...each.uploads,
              environment: each.environment,
              damage: { files: { missing: each.missing, changed: 0, missingPaths: [], signs: [] } },
            }),
          ],
          services: [serviceFacts({ changes: each.changes })],
        });
        const chosen = chooseMethod(facts);
        if (chosen.method === undefined) return;
        built += 1;
        const { method } = chosen;
        const plan = buildPlan({
          facts,
          configuration,
          chosen: { ...chosen, method },
          mode: each.mode,
          places,
          seen,
        });
        check(plan);
        if (each.mode === 'drill') {
          expect(plan.steps.filter(({ isDestructive }) => isDestructive)).toEqual([]);
          expect(plan.steps.map(({ kind }) => kind)).not.toContain('freeze');
        }
        if (method === 'clean-rebuild') checkRebuild(plan);
      }),
      { numRuns: 500 },
    );
    expect(built).toBeGreaterThan(100);
  });

  it('of an intrusion touches nothing that the intruder had', () => {
    const chosen = chooseMethod(malicious);
    const request = { facts: malicious, configuration, places, seen, mode: 'live' } as const;
    const plan = buildPlan({ ...request, chosen: { ...chosen, method: 'clean-rebuild' } });
    check(plan);
    checkRebuild(plan);
  });

  function checkRebuild({ steps, mode }: Plan): void {
    const touching = [
      'freeze',
      'thaw',
      'restart',
      'redeploy',
      'rescue-rows',
      'extract',
      'point-services',
      'safety-snapshot',
      'settle',
      'command',
    ];
    expect(steps.filter(({ kind }) => touching.includes(kind))).toEqual([]);
    const placed = steps.filter(({ kind }) => kind === 'deliver' || kind === 'swap');
    for (const { target } of placed) expect(target).toContain('standby-1');
    if (mode === 'drill') return;
    const order = steps.map(({ kind }) => kind);
    const clearance = order.indexOf('clearance');
    expect(clearance).toBeGreaterThan(order.indexOf('forensic-copy'));
    const before = order.slice(0, clearance);
    expect(
      before.every((kind) => ['identify', 'isolate', 'manual', 'forensic-copy'].includes(kind)),
    ).toBe(true);
    const names = JSON.stringify(steps.find(({ kind }) => kind === 'rotate-credentials')?.input);
    for (const each of [
      'password of the source database',
      'password of the repository main',
      'JWT_SECRET of api',
      'payment API key',
      'mail account',
      'OAuth',
    ]) {
      expect(names).toContain(each);
    }
    expect(names).not.toContain('LOG_LEVEL');
  }

  function withOptions(
    source: ReturnType<typeof databaseFacts>,
    { hasGround, hasService }: { hasGround: boolean; hasService: boolean },
  ) {
    const { ground, service, ...rest } = source;
    return {
      ...rest,
      ...(hasGround && ground ? { ground } : {}),
      ...(hasService && service ? { service } : {}),
    };
  }
});
