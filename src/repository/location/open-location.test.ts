import { inspect } from 'node:util';
import { expect, it } from 'vitest';
import { openLocation } from './open-location.ts';

it.each([
  ['/var/backups/x', '/var/backups/x'],
  ['/var/backups/a b/', '/var/backups/a b'],
  ['file:///var/backups/a%20b', '/var/backups/a b'],
  ['file:/var/x', '/var/x'],
  ['rest:http://127.0.0.1:8000/a', 'rest:http://127.0.0.1:8000/a/'],
  ['rest:https://someone:s%40fe@host/', 'rest:https://host/'],
])('opens %s', (text, description) => {
  expect(openLocation(text).describe()).toBe(description);
});

it.each(['', 'gopher:there', 'file://elsewhere/x', 'a\0b', 'rest:nowhere'])(
  'refuses %j',
  (text) => {
    expect(() => openLocation(text)).toThrow('cannot use this repository location');
  },
);

it('never shows credentials, not even of a malformed address', () => {
  expect(() => openLocation('rest:http://someone:hunter2@host:99999/')).toThrow(
    expect.not.objectContaining({ message: expect.stringContaining('hunter2') }),
  );
  try {
    openLocation('rest:http://someone:hunter2@host:99999/');
  } catch (error) {
    expect(inspect(error, { depth: 9 })).not.toContain('hunter2');
  }
  const location = openLocation('rest:http://someone:hunter2@host/');
  expect(inspect(location, { depth: 9, showHidden: true })).not.toContain('hunter2');
});
