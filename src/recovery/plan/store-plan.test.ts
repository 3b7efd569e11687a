import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  databaseFacts,
  planConfiguration,
  planFacts,
  suspectFacts,
} from '../../../test/support/plan-facts.ts';
import { temporaryFolder } from '../../../test/support/postgres.ts';
import { LifeboatError, Secret } from '../../core/index.ts';
import { initRepository, MemoryLocation } from '../../repository/index.ts';
import type { RecoveryTarget } from '../../sources/index.ts';
import { lsn } from '../../wal/index.ts';
import { buildPlan } from './build-plan.ts';
import { chooseMethod } from './choose-method.ts';
import { readTarget, writeTarget } from './plan-target.ts';
import { loadPlan, parsePlan, storePlan } from './store-plan.ts';

const facts = planFacts({ sources: [databaseFacts({ damage: { suspects: [suspectFacts()] } })] });
const plan = buildPlan({
  facts,
  configuration: planConfiguration(),
  chosen: { ...chooseMethod(facts), method: 'rescue-rows' },
  mode: 'live',
  places: {},
  seen: { configuration: '', sources: {} },
});

async function scene() {
  const repository = await initRepository({
    location: new MemoryLocation(),
    password: new Secret('p'),
  });
  const stateFolder = temporaryFolder('plans');
  const configuration = { ...planConfiguration(), stateFolder };
  let isAway = false;
  return {
    stateFolder,
    repository,
    away: () => {
      isAway = true;
    },
    surroundings: {
      configuration,
      repository: async () => {
        if (isAway) throw new LifeboatError('location.unreachable', 'the repository is away');
        return repository;
      },
    },
  };
}

describe('a plan that is kept', () => {
  it('comes back from this host, and from a repository on another one', async () => {
    const { surroundings } = await scene();
    expect(await storePlan(plan, surroundings)).toEqual({
      stored: ['state', 'main'],
      problems: {},
    });
    expect(await loadPlan(plan.id.slice(0, 6), surroundings)).toEqual(plan);
    const other = { ...surroundings.configuration, stateFolder: temporaryFolder('plans') };
    expect(await loadPlan(plan.id, { ...surroundings, configuration: other })).toEqual(plan);
  });

  it('is on this host also when the repository is away, which is told', async () => {
    const { surroundings, away } = await scene();
    away();
    expect(await storePlan(plan, surroundings)).toEqual({
      stored: ['state'],
      problems: { main: 'the repository is away' },
    });
    expect(await loadPlan(plan.id, surroundings)).toEqual(plan);
  });

  it('is one record, however often it is stored', async () => {
    const { surroundings, repository } = await scene();
    await storePlan(plan, surroundings);
    await storePlan(plan, surroundings);
    expect(await repository.records.list({ kind: 'plan' })).toHaveLength(1);
  });

  it('is refused when it was changed', async () => {
    const { surroundings, stateFolder } = await scene();
    await storePlan(plan, surroundings);
    const path = join(stateFolder, 'plans', `${plan.id}.json`);
    writeFileSync(path, readFileSync(path, 'utf8').replace('"xid":774', '"xid":775'));
    await expect(loadPlan(plan.id, surroundings)).rejects.toMatchObject({
      code: 'plan.refused',
      message: expect.stringContaining('its content was changed'),
    });
  });

  it('that nobody made is none', async () => {
    const { surroundings } = await scene();
    await expect(loadPlan('0123', surroundings)).rejects.toMatchObject({ code: 'plan.refused' });
  });

  it('is refused cleanly whatever is stored in its place', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string(), fc.json(), fc.constant('{"format":1,"steps":[]}')),
        (text) => {
          expect(() => parsePlan(text, plan.id)).toThrow(LifeboatError);
        },
      ),
    );
  });
});

describe('a target in a plan', () => {
  const targets: readonly RecoveryTarget[] = [
    { kind: 'latest' },
    { kind: 'snapshot-end' },
    { kind: 'time', time: new Date('2026-11-26T14:29:03.123Z') },
    { kind: 'lsn', lsn: lsn(0x16b3748n), inclusive: false },
    { kind: 'xid', xid: 774, inclusive: true },
    { kind: 'name', name: 'before the release', until: new Date('2026-11-26T14:29:03.000Z') },
  ];

  it.each(targets)('$kind comes back as it was', (target) => {
    expect(readTarget(JSON.parse(JSON.stringify(writeTarget(target))))).toEqual(target);
  });

  it('of another version is refused', () => {
    expect(() => readTarget({ kind: 'moon' })).toThrow(LifeboatError);
    expect(() => readTarget({ kind: 'time', time: 'soon' })).toThrow(LifeboatError);
  });
});
