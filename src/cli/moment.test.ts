import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isLifeboatError } from '../core/index.ts';
import { formatMoment, parseMoment } from './moment.ts';

const now = new Date('2026-11-21T14:30:00Z');

describe('a moment', () => {
  it.each([
    ['2026-11-21T14:29:00Z', '2026-11-21T14:29:00.000Z'],
    ['2026-11-21 14:29:30.5 +01:00', '2026-11-21T13:29:30.500Z'],
    ['2026-11-21 14:29 +0100', '2026-11-21T13:29:00.000Z'],
    ['2026-11-21 14:29:00.205997+00', '2026-11-21T14:29:00.205Z'],
    ['2026-11-21 09:29:00-03', '2026-11-21T12:29:00.000Z'],
    ['2026-11-21 14:29 UTC', '2026-11-21T14:29:00.000Z'],
    ['00:01:02 UTC', `${now.toISOString().slice(0, 10)}T00:01:02.000Z`],
    ['10 minutes ago', '2026-11-21T14:20:00.000Z'],
    ['2h ago', '2026-11-21T12:30:00.000Z'],
    ['1 day ago', '2026-11-20T14:30:00.000Z'],
    ['now', '2026-11-21T14:30:00.000Z'],
  ])('%j is %s', (text, expected) => {
    expect(parseMoment(text, now).toISOString()).toBe(expected);
  });

  it('without a zone is local time', () => {
    const local = parseMoment('2026-11-20 10:15', now);
    expect([local.getHours(), local.getMinutes()]).toEqual([10, 15]);
    const later = new Date(now);
    later.setHours(23, 59);
    const today = parseMoment('00:10', later);
    expect([today.getDate(), today.getHours(), today.getMinutes()]).toEqual([
      later.getDate(),
      0,
      10,
    ]);
  });

  it('is printed with its zone in a form that can be read again', () => {
    const text = formatMoment(new Date('2026-11-20T10:15:30.250Z'), { ms: true });
    expect(text).toMatch(/ (UTC|[+-]\d\d:\d\d)$/);
    expect(parseMoment(text, now).toISOString()).toBe('2026-11-20T10:15:30.250Z');
  });

  it.each([
    '',
    'yesterday',
    '25:00',
    '2026-02-31',
    '2026-13-01',
    '3 moons ago',
    '2026-11-21T15:00:00Z',
  ])('%j is refused', (text) => {
    expect(() => parseMoment(text, now)).toThrowError(/cannot use/);
  });

  it('gives a date that is not in the future, or our error, for any text', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.date({ noInvalidDate: true }).map(String)), (text) => {
        try {
          expect(parseMoment(text, now).getTime()).toBeLessThanOrEqual(now.getTime());
        } catch (error) {
          expect(isLifeboatError(error, 'usage.invalid')).toBe(true);
        }
      }),
    );
  });
});
