import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Repository } from '../../src/repository/index.ts';
import { backUp, failAtEveryStep, type Promised, type Scenario } from './every-step.ts';
import { effects } from './step-fault.ts';

const shared = randomBytes(5000);

/** Two snapshots that share a blob. */
const prepare = async (repository: Repository): Promise<Promised[]> => [
  await backUp(repository, [shared, randomBytes(3000)]),
  await backUp(repository, [shared, randomBytes(3000)]),
];

const scenarios: Readonly<Record<string, Scenario>> = {
  backup: {
    prepare,
    async operate(repository, promised) {
      promised.push(await backUp(repository, [shared, randomBytes(4000)]));
    },
  },
};

describe.each(Object.entries(scenarios))('%s', (_name, scenario) => {
  it.each(effects)(
    'loses nothing, whichever call to the location goes wrong: %s',
    async (effect) => {
      expect(await failAtEveryStep(scenario, effect)).toBeGreaterThan(5);
    },
  );
});
