// Each kind of step, each way of failing, in a run with real parts: it stops in a named state that says what holds and what to do; once the
// cause is put right it goes on to its end, and given up it leaves what was before. Both endings of each: `test/soak/step-failures.test.ts`.
import { describe, expect, it } from 'vitest';
import { knownStepKinds } from '../../src/recovery/index.ts';
import {
  withContainers,
  withoutServer,
  withServer,
} from '../support/step-failures/all-failures.ts';
import { ways } from '../support/step-failures/failing-way.ts';
import { testFailures } from '../support/step-failures/test-failures.ts';

describe('every kind of step', () => {
  it('has a test for each way of failing, or a reason why it cannot fail so', async () => {
    const kinds = Object.keys(await knownStepKinds()) as (keyof (typeof withServer)[number])[];
    expect(kinds.length).toBeGreaterThan(20);
    const tables = [...withoutServer, ...withContainers, ...withServer];
    const open = kinds.flatMap((kind) =>
      ways.flatMap((way) => {
        const found = tables.flatMap((table) => table[kind]?.[way] ?? []);
        const isTested = found.some((each) => !('cannot' in each));
        const reasons = found.filter((each) => 'cannot' in each);
        if (isTested && reasons.length > 0) return [`${kind}, ${way}: a test, and a reason`];
        return found.length > 0 ? [] : [`${kind}, ${way}: neither`];
      }),
    );
    expect(open).toEqual([]);
  });
});

describe('without a server', () => testFailures(withoutServer, 'half'));
describe('in containers', () => testFailures(withContainers, 'quick'));
