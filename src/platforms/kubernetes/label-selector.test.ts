import { expect, it } from 'vitest';
import { selectorText, selects } from './label-selector.ts';

const selector = {
  matchLabels: { app: 'api' },
  matchExpressions: [
    { key: 'tier', operator: 'In', values: ['web', 'edge'] },
    { key: 'track', operator: 'NotIn', values: ['canary'] },
    { key: 'zone', operator: 'Exists' },
    { key: 'legacy', operator: 'DoesNotExist' },
  ],
};

it('is written as kubectl takes it', () => {
  expect(selectorText(selector)).toBe(
    'app=api,tier in (web,edge),track notin (canary),zone,!legacy',
  );
});

it('selects what has all that it asks for', () => {
  const labels = { app: 'api', tier: 'web', zone: 'a' };
  expect(selects(selector, labels)).toBe(true);
  expect(selects(selector, { ...labels, tier: 'db' })).toBe(false);
  expect(selects(selector, { ...labels, track: 'canary' })).toBe(false);
  expect(selects(selector, { ...labels, legacy: '' })).toBe(false);
  expect(selects(selector, { app: 'api', tier: 'web' })).toBe(false);
  expect(selects({}, labels)).toBe(true);
});
