import { describe, expect, it } from 'vitest';
import { isDamage } from './damage-finding.ts';
import { excerptOf } from './excerpt.ts';
import type { Part } from './part.ts';
import type { ServiceDamage } from './service-damage.ts';
import { serviceFindings } from './service-findings.ts';

const now = new Date('2026-11-27T06:00:00Z');

type State = Extract<ServiceDamage['state'], { looked: true }>['found'];

function looked<Found>(found: Found): Part<Found> {
  return { looked: true, found, gaps: [], durationMs: 1, limitMs: 1000 };
}

function told(change: { readonly state?: Partial<State>; readonly output?: readonly string[] }) {
  const service: ServiceDamage = {
    name: 'api',
    platform: 'docker',
    writes: [],
    state: looked({ status: 'running', text: 'runs', ...change.state }),
    baseline: looked({ changes: [], deployments: [] }),
    output: looked(excerptOf('output of api', change.output ?? [], ['error'])),
  };
  return serviceFindings([service], now);
}

it('has nothing to tell of a service that runs', () => {
  expect(told({})).toEqual([]);
});

describe('a service that is started again and again', () => {
  const restarts = { count: 3, since: '2026-11-27T05:50:01Z' };

  it('is told while it happens to run', () => {
    const [finding, ...others] = told({ state: { restarts } });
    expect(others).toEqual([]);
    expect(finding).toMatchObject({
      kind: 'service-restarts',
      service: 'api',
      text: 'the service api ends again and again: it was restarted 3 times, and runs since 2026-11-27T05:50:01Z only',
    });
    expect(finding && isDamage(finding)).toBe(true);
  });

  it.each([
    ['twice', { ...restarts, count: 2 }],
    [
      'often, and has run for longer than any platform waits',
      { ...restarts, since: '2026-11-27T05:49:59Z' },
    ],
    ['often, nobody knows when', { count: 30 }],
  ])('is not meant by one that was restarted %s', (_, other) => {
    expect(told({ state: { restarts: other } })).toEqual([]);
  });

  it('is told once where its state says so already', () => {
    const state = { status: 'failing', text: 'is restarted again and again', restarts } as const;
    expect(told({ state }).map(({ kind, severity }) => [kind, severity])).toEqual([
      ['service-state', 'high'],
    ]);
  });
});

it('quotes the last line with an error, which is a hint and no damage', () => {
  const [finding] = told({ output: ['ready', 'error: first', 'Error: second', 'served'] });
  expect(finding).toMatchObject({
    kind: 'service-output',
    strength: 'weak',
    text: 'the output of api has 2 lines with errors; the last: Error: second',
  });
});
