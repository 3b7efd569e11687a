import { describe, expect, it } from 'vitest';
import { Secret } from '../../core/index.ts';
import { initRepository, MemoryLocation } from '../../repository/index.ts';
import { formerSteps } from './former-steps.ts';

const time = '2026-11-26T14:00:00.000Z';
const steps = [
  { id: 'freeze', kind: 'freeze', input: { services: ['api'] } },
  { id: 'swap-database', kind: 'swap', input: { source: 'database' } },
];

describe('former runs', () => {
  it('tell how long their steps took, as far as that was seen', async () => {
    const location = new MemoryLocation();
    await using repository = await initRepository({ location, password: new Secret('p') });
    const note = (body: unknown) =>
      repository.records.append({
        kind: 'run',
        source: '',
        body: { type: 'entry', entry: { run: '77aa01b2cc', time, body } },
      });
    await note({ type: 'opened', plan: { steps }, declaredAt: time });
    await note({ type: 'intent', step: 'freeze', attempt: 1 });
    const outcome = { type: 'outcome', outcome: { text: '', result: {}, evidence: {} } };
    await note({ ...outcome, step: 'freeze', durationMs: 1200, known: 'seen' });
    await note({ ...outcome, step: 'swap-database', durationMs: 90_000_000, known: 'found' });
    await note({ ...outcome, step: 'swap-database', durationMs: 800, known: 'seen' });
    await note({ ...outcome, step: 'unknown', durationMs: 5, known: 'seen' });
    await repository.records.append({ kind: 'run', source: '', body: 'of another version' });
    expect(await formerSteps(repository)).toEqual([
      { kind: 'swap', source: 'database', durationMs: 800, time, where: 'run 77aa01b2' },
      { kind: 'freeze', durationMs: 1200, time, where: 'run 77aa01b2' },
    ]);
  });
});
