import { expect, it } from 'vitest';
import { parseGlob } from './glob.ts';

const path = '/srv/www/index.html';

it.each([
  ['*.html', true],
  ['*.htm', false],
  ['index.htm?', true],
  ['[a-i]ndex*', true],
  ['[^a-i]ndex*', false],
  ['[!x]ndex*', true],
  ['www/*.html', true],
  ['ww/*.html', false],
  ['w/index.html', false],
  ['/srv/*', false],
  ['/srv/*/*', true],
  ['/www/*.html', false],
  ['/srv/**', true],
  ['/**/index.html', true],
  ['srv/**/index.html', true],
  ['/srv/**/www/index.html', true],
  ['**', true],
  ['INDEX.html', false],
  ['in.ex.html', false],
])('%s matches %s', (pattern, matches) => {
  expect(parseGlob(pattern, false).matches(path, 'index.html')).toBe(matches);
});

it('ignores case when told to, and takes special characters for themselves', () => {
  expect(parseGlob('INDEX.*', true).matches(path, 'index.html')).toBe(true);
  for (const name of ['a+b', 'a-b', 'a(b)', '{x}', 'a|b', '^', '$x', '😀.txt', 'a b&c#~@']) {
    expect(parseGlob(name, false).matches(`/${name}`, name)).toBe(true);
    expect(parseGlob(name, false).matches('/other', 'other')).toBe(false);
  }
  expect(parseGlob('\\*', false).matches('/x', 'x')).toBe(false);
  expect(parseGlob('\\*', false).matches('/*', '*')).toBe(true);
  expect(parseGlob('[]-]', false).matches('/]', ']')).toBe(true);
  expect(parseGlob('?', false).matches('/😀', '😀')).toBe(true);
});

it.each(['', '[', 'a[b', 'x\\', '[z-a]'])('%j is no pattern', (pattern) => {
  expect(() => parseGlob(pattern, false)).toThrow(
    expect.objectContaining({ code: 'usage.invalid' }),
  );
});
