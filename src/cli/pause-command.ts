import { LifeboatError } from '../core/index.ts';
import type { RecoveryTarget } from '../sources/index.ts';
import { parseTarget, parseXid } from './target.ts';

/** What somebody says to a copy that stands at a moment. */
export type PauseCommand =
  | Movement
  | { readonly kind: 'accept' }
  | { readonly kind: 'quit' }
  | { readonly kind: 'where' };

export type Movement =
  | { readonly kind: 'next-commit' }
  | { readonly kind: 'forward' | 'back'; readonly ms: number }
  | { readonly kind: 'to'; readonly target: RecoveryTarget };

/** For people, one line each. */
export const pauseHelp: readonly (readonly [string, string])[] = [
  ['next', 'on to behind the next transaction'],
  ['next 5m', 'on by a time: s, m, h, d'],
  ['back 5m', 'to an earlier moment'],
  ['to 14:29:05', 'to a time, a position, xid 784, name NAME, or latest'],
  ['where', 'where it stands, and how to connect'],
  ['accept', 'take it as it stands'],
  ['quit', 'give it up'],
];

const unitMs: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** Errors: `usage.invalid`. */
export function parsePauseCommand(text: string, now: Date): PauseCommand {
  const [word = '', ...rest] = text.trim().split(/\s+/);
  const argument = rest.join(' ');
  switch (word.toLowerCase()) {
    case 'next':
    case 'n':
      if (argument === '' || argument === 'xid') return { kind: 'next-commit' };
      return { kind: 'forward', ms: durationMs(argument) };
    case 'back':
      return { kind: 'back', ms: durationMs(argument) };
    case 'to':
      return { kind: 'to', target: targetOf(rest, argument, now) };
    case 'where':
    case 'w':
      return { kind: 'where' };
    case 'accept':
      if (argument === '') return { kind: 'accept' };
      break;
    case 'quit':
    case 'q':
    case 'exit':
      return { kind: 'quit' };
  }
  throw new LifeboatError('usage.invalid', `not understood: ${JSON.stringify(text.trim())}`, {
    hint: `Say one of: ${pauseHelp.map(([example]) => example).join(', ')}.`,
  });
}

function targetOf([word, ...rest]: readonly string[], argument: string, now: Date): RecoveryTarget {
  if (word === 'xid') return { kind: 'xid', xid: parseXid(rest.join('')), inclusive: true };
  if (word === 'name') return { kind: 'name', name: rest.join(' ') };
  if (argument === '') {
    throw new LifeboatError('usage.invalid', '"to" needs a moment', {
      hint: 'For example: to 14:29:05, to 0/16B3748, to xid 784, to latest.',
    });
  }
  return parseTarget(argument, now);
}

function durationMs(text: string): number {
  const match = /^(\d{1,6}(?:\.\d{1,3})?) ?(ms|s|m|h|d)$/.exec(text);
  if (match) return Number(match[1]) * (unitMs[match[2] as string] as number);
  throw new LifeboatError('usage.invalid', `not a span of time: ${JSON.stringify(text)}`, {
    hint: 'Write it as 30s, 5m, 2h or 1d.',
  });
}
