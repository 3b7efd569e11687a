import { expect, it } from 'vitest';
import { planConfiguration, planFacts, uploadsFacts } from '../../../../test/support/plan-facts.ts';
import { freezeStep } from './protect-steps.ts';

function freeze(recovery: string) {
  const configuration = planConfiguration((text) =>
    text
      .replace('writes: [database, uploads]', 'writes: [database]')
      .replace(/recovery:[\s\S]*/, recovery),
  );
  const sources = [uploadsFacts()];
  return freezeStep({ facts: planFacts({ sources }), configuration, mode: 'live' }, sources);
}

it('asks nobody to stop nothing, and says so', () => {
  const nothing = freeze('');
  expect(nothing.asked).toBeUndefined();
  expect(nothing).toMatchObject({
    title: 'Stop nothing: nothing that writes is configured',
    isDestructive: false,
    input: { services: [], sources: [], holds: ['uploads'], maintenance: false },
  });
});

it('asks for a maintenance page alone', () => {
  const page = freeze('recovery: { maintenance: { on: [page], off: [page, --away] } }');
  expect(page.isDestructive).toBe(true);
  expect(page.asked?.question).toMatch(/^Show the maintenance page until the thaw\?/);
});
