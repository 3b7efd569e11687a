import { expect, it } from 'vitest';
import type { CheckFinding } from '../../repository/index.ts';
import { findingTexts } from './findings-text.ts';
import type { Style } from './style.ts';

const plain = new Proxy({}, { get: () => (text: string) => text }) as Style;
const finding = (name: string, more: Partial<CheckFinding> = {}): CheckFinding => ({
  kind: 'pack',
  name,
  problem: 'in no index',
  severity: 'hint',
  affects: [],
  ...more,
});
const texts = (findings: readonly CheckFinding[]) =>
  findingTexts(findings).map((text) => text?.(plain));

it('says once what happened to many, and never leaves out an error', () => {
  const hints = ['a', 'b', 'c', 'd', 'e'].map((name) => finding(name));
  const errors = ['f', 'g', 'h', 'i', 'j'].map((name) => finding(name, { severity: 'error' }));
  const said = texts([...hints, ...errors]);
  expect(said.slice(0, 5)).toEqual([
    'hint pack a: in no index',
    'hint pack b: in no index',
    'hint pack c: in no index',
    'hint and 2 more packs: in no index (--json names all)',
    undefined,
  ]);
  expect(said.slice(5)).toHaveLength(5);
  expect(said.slice(5)).not.toContain(undefined);
});

it('names each snapshot once, with the first paths', () => {
  const of = 'snapshot 2054c1eb (/srv of 2026-11-26 01:23:55 UTC)';
  const affects = [1, 2, 3, 4, 5].map((number) => `${of}: /srv/${number}`);
  expect(texts([finding('a', { severity: 'error', affects: [...affects, 'and 9 more'] })])).toEqual(
    [
      `error pack a: in no index\n  affects ${of}: /srv/1, /srv/2, /srv/3 and 2 more\n  affects and 9 more`,
    ],
  );
});
