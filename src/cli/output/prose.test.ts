import { expect, it } from 'vitest';
import { formatMoment } from '../moment.ts';
import { prose } from './prose.ts';

const moment = '2026-11-26T23:04:58.705Z';
const shown = formatMoment(new Date(moment), { ms: true });

it.each([
  [`every write of 16 s after ${moment}`, `every write of 16 s after ${shown}`],
  [`Given up: 3 s after ${moment}. Sure?`, `Given up: 3 s after ${shown}. Sure?`],
  ['at 2026-11-26T23:04:58Z', `at ${formatMoment(new Date('2026-11-26T23:04:58Z'))}`],
  ['20261126T230518Z-40a2da', '20261126T230518Z-40a2da'],
  ['2026-13-26T23:04:58Z', '2026-13-26T23:04:58Z'],
  ['a name\u001b[2J', 'a name\\x1b[2J'],
])('%s', (text, expected) => {
  expect(prose(text)).toBe(expected);
});
