import { expect, it } from 'vitest';
import type { CheckResult, StoredIntegrityReport } from '../../recovery/index.ts';
import { describeIntegrity } from './proof-text.ts';
import type { Style } from './style.ts';

const plain = new Proxy({}, { get: () => (text: string) => text }) as Style;
const check = (more: Partial<CheckResult>) => ({
  check: 'heap',
  title: 'rows are well formed',
  verdict: 'passed',
  looked: '3 tables',
  objects: 3,
  bytes: 0,
  durationMs: 1,
  problems: [],
  notChecked: [],
  ...more,
});
const said = (...checks: object[]) =>
  describeIntegrity(
    {
      source: 'shop',
      verdict: 'passed',
      checks,
      durationMs: 1,
      position: '0/1',
      id: 'abc',
    } as unknown as StoredIntegrityReport,
    plain,
  );

it('calls sound only what was looked at, and says one reason once', () => {
  expect(said(check({}))).toContain('the data of shop is sound');
  const why = 'the extension is not there';
  const notChecked = ['tables of a', 'tables of b'].map((what) => ({ what, why }));
  const text = said(check({}), check({ verdict: 'not-checked', objects: 0, notChecked }));
  expect(text).toContain('no damage found in the data of shop; 1 check could not be made');
  expect(text).not.toContain('sound');
  expect(text).toContain(`not checked: tables of a, tables of b: ${why}`);
});
