import { expect, it } from 'vitest';
import type { StreamStatus } from '../../service/index.ts';
import { describeStream } from './stream-status-text.ts';
import type { Style } from './style.ts';

const plain = new Proxy({}, { get: () => (text: string) => text }) as Style;
const said = (seen: object, isRepositoryHere = false) =>
  describeStream(seen as StreamStatus, isRepositoryHere, plain);
const slot = { name: 'lifeboat_shop', heldBytes: 0 };

it('calls no slot missing that is streamed from, and one that is missing holds nothing', () => {
  expect(said({ phase: 'streaming', slot })).toEqual(['  ✓ the log is streamed']);
  const time = new Date('2026-11-26T12:00:00Z');
  expect(said({ phase: 'connecting', time, slot }).at(-1)).toBe(
    '  ✗ slot lifeboat_shop is missing',
  );
});

it('says of what is tried again that `serve` runs, not to start it', () => {
  const seen = { phase: 'retrying', problem: 'out of reach', time: new Date() };
  const nextTry = new Date(Date.now() + 60_000);
  expect(said({ ...seen, nextTry })[0]).toMatch(
    /^ {2}✗ the log is not streamed: out of reach; `serve` runs and tries again \d{4}-/,
  );
  expect(said({ ...seen, nextTry: new Date(0) })[0]).toMatch(/`serve` runs and is trying again$/);
});

it('says line by line what the loss of which host takes', () => {
  const seen = { phase: 'streaming', rpoWithoutDatabaseMs: 100, rpoWithoutBothMs: 2000 };
  expect(said(seen).slice(1)).toEqual([
    "      lost with the database's host: the last 100 ms",
    '      lost with this host too: the last 2.0 s',
    '      lost with this host alone: nothing',
  ]);
  expect(said(seen, true)[3]).toContain('every backup');
});
