import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { MemoryLocation, type Repository } from '../../src/repository/index.ts';
import { noSnapshots } from '../support/no-snapshots.ts';
import {
  backUp,
  failAtEveryStep,
  newIdentity,
  open,
  type Promised,
  type Scenario,
} from './every-step.ts';
import { effects } from './step-fault.ts';

const shared = randomBytes(5000);

/** Three snapshots that share a blob, in packs of their own. */
async function prepare(repository: Repository): Promise<Promised[]> {
  const promised: Promised[] = [];
  for (let day = 1; day <= 3; day++) {
    const time = new Date(`2026-01-0${day}T00:00:00Z`);
    promised.push(await backUp(repository, [shared, randomBytes(3000)], time));
  }
  return promised;
}

/** The oldest is no longer promised; its own blob is what prune is to remove. */
async function prepareGarbage(repository: Repository): Promise<Promised[]> {
  const [oldest, ...others] = await prepare(repository);
  await repository.forget({ ids: oldest ? [oldest.id] : [] });
  return others;
}

const sourceIdentity = newIdentity();
const sourceFiles = noSnapshots(sourceIdentity.masterKey);
const sourceSnapshots = prepare(open(new MemoryLocation({ files: sourceFiles }), sourceIdentity));

const scenarios: Readonly<Record<string, Scenario>> = {
  backup: {
    prepare,
    async operate(repository, promised) {
      promised.push(await backUp(repository, [shared, randomBytes(4000)]));
    },
  },
  forget: {
    prepare,
    async operate(repository, promised) {
      promised.splice(0, promised.length - 1);
      await repository.forget({ policy: { last: 1, minimum: 1 } });
    },
  },
  prune: {
    prepare: prepareGarbage,
    async operate(repository) {
      await repository.prune({ keepMarkedMs: 0, maxUnused: { bytes: 0 } });
    },
  },
  'two prunes': {
    prepare: prepareGarbage,
    async operate(repository) {
      await repository.prune({ keepMarkedMs: 1, maxUnused: { bytes: 0 } });
      await repository.prune({ keepMarkedMs: 1, maxUnused: { bytes: 0 } });
    },
  },
  'copy, from': {
    prepare,
    async operate(repository) {
      const identity = newIdentity();
      const files = noSnapshots(identity.masterKey);
      await using destination = open(new MemoryLocation({ files }), identity);
      await repository.copyTo(destination);
    },
  },
  'copy, to': {
    prepare,
    async operate(repository, promised) {
      await using source = open(new MemoryLocation({ files: sourceFiles }), sourceIdentity);
      const copied = await sourceSnapshots;
      await source.copyTo(repository);
      const originals = (await repository.snapshots()).map(({ id, original }) => ({
        id,
        original,
      }));
      for (const { id, bytes } of copied) {
        const copy = originals.find(({ original }) => original === id);
        promised.push({ id: copy?.id ?? id, bytes });
      }
    },
  },
};

describe.each(Object.entries(scenarios))('%s', (_name, scenario) => {
  // Most of the time is spent waiting between two looks at the locks.
  it.concurrent.each(effects)('loses nothing, whichever call goes wrong: %s', async (effect) => {
    expect(await failAtEveryStep(scenario, effect)).toBeGreaterThan(5);
  });
});
