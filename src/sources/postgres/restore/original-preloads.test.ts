import { expect, it } from 'vitest';
import { preloadsIn } from './original-preloads.ts';

it.each([
  [
    "shared_preload_libraries = 'pg_stat_statements, auto_explain'  # both",
    ['pg_stat_statements', 'auto_explain'],
  ],
  ["shared_preload_libraries = ''", []],
  ['shared_preload_libraries = auto_explain # one', ['auto_explain']],
  [`Shared_Preload_Libraries 'a,"B"'\nshared_preload_libraries='it''s'`, ["it's"]],
  ["#shared_preload_libraries = 'x'", undefined],
  ['', undefined],
])('the libraries of %j are %j', (text, libraries) => {
  expect(preloadsIn(text)).toEqual(libraries);
});
