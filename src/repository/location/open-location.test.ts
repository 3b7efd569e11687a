import { expect, it } from 'vitest';
import { openLocation } from './open-location.ts';

it.each([
  ['/var/backups/x', '/var/backups/x'],
  ['/var/backups/a b/', '/var/backups/a b'],
  ['file:///var/backups/a%20b', '/var/backups/a b'],
  ['file:/var/x', '/var/x'],
])('opens %s', (text, description) => {
  expect(openLocation(text).describe()).toBe(description);
});

it.each(['', 'gopher:there', 'file://elsewhere/x', 'a\0b'])('refuses %j', (text) => {
  expect(() => openLocation(text)).toThrow('cannot use this repository location');
});
