import { expect, it } from 'vitest';
import type { Repository } from '../../../repository/index.ts';
import { isWithin, wholeFolders } from './whole-folders.ts';

const folders = (roots: string[], paths: string[], path?: string) => {
  const readTree = async () => roots.map((name) => ({ name }));
  return wholeFolders({ readTree } as unknown as Repository, { tree: '' as never, paths }, path);
};

it('are what was backed up, not what leads there', async () => {
  expect(await folders(['srv', 'etc'], ['/srv/documents', '/etc'])).toEqual([
    'srv/documents',
    'etc',
  ]);
  expect(await folders(['srv'], ['/'])).toEqual(['']);
  // Inside of one, above one, beside one.
  expect(await folders(['srv'], ['/srv/documents'], '/srv/documents/letters')).toEqual(['']);
  expect(await folders(['srv'], ['/srv/documents'], '/srv')).toEqual(['documents']);
  expect(await folders(['srv'], ['/srv/documents'], '/srv/doc')).toEqual([]);
});

it('are none when the folder was gone, and found again in relative paths of restic', async () => {
  expect(await folders([], ['/srv/documents'])).toEqual(['srv/documents']);
  expect(await folders(['a'], ['/home/joe/a/b'])).toEqual(['a/b']);
  expect(await folders(['letter'], ['/home/joe'])).toEqual(['']);
  expect(await folders(['letter'], ['/home/joe', '/home/ann'])).toEqual([]);
});

it('hold what is below them, not what only begins like them', () => {
  expect(isWithin('srv/documents/a', ['srv/documents'])).toBe(true);
  expect(isWithin('srv/documents', ['srv/documents'])).toBe(true);
  expect(isWithin('srv', ['srv/documents'])).toBe(false);
  expect(isWithin('srv/documents2', ['srv/documents'])).toBe(false);
  expect(isWithin('', ['srv/documents'])).toBe(false);
  expect(isWithin('anything', [''])).toBe(true);
});
