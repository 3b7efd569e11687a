import { describe, expect, it } from 'vitest';
import { parsePauseCommand } from './pause-command.ts';

const now = new Date('2026-11-21T15:00:00Z');
const parse = (text: string) => parsePauseCommand(text, now);

describe('commands to a copy that stands still', () => {
  it.each([
    ['next', { kind: 'next-commit' }],
    [' next  xid ', { kind: 'next-commit' }],
    ['n', { kind: 'next-commit' }],
    ['next 5m', { kind: 'forward', ms: 300_000 }],
    ['next 1.5 s', { kind: 'forward', ms: 1500 }],
    ['back 2h', { kind: 'back', ms: 7_200_000 }],
    ['accept', { kind: 'accept' }],
    ['q', { kind: 'quit' }],
    ['to latest', { kind: 'to', target: { kind: 'latest' } }],
    ['to xid 784', { kind: 'to', target: { kind: 'xid', xid: 784, inclusive: true } }],
    [
      'to name before the release',
      { kind: 'to', target: { kind: 'name', name: 'before the release' } },
    ],
    ['to 0/16B3748', { kind: 'to', target: { kind: 'lsn', lsn: 0x16b3748n, inclusive: false } }],
    [
      'to 2026-11-21 14:29 UTC',
      { kind: 'to', target: { kind: 'time', time: new Date('2026-11-21T14:29:00Z') } },
    ],
  ])('%j', (text, expected) => {
    expect(parse(text)).toEqual(expected);
  });

  it.each(['', 'to', 'back', 'next week', 'accept now', 'drop table', 'to xid two'])(
    'refuses %j',
    (text) => {
      expect(() => parse(text)).toThrow(expect.objectContaining({ code: 'usage.invalid' }));
    },
  );
});
