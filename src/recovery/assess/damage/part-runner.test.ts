import { expect, it } from 'vitest';
import { LifeboatError, type ProgressEvent } from '../../../core/index.ts';
import { gapOf, PartRunner, type PartWork } from './part-runner.ts';

const never = () => new Promise<never>(() => {});

it('gives what was found, and what was told as a warning as a gap', async () => {
  const seen: ProgressEvent['type'][] = [];
  const runner = new PartRunner({ limitMs: 60_000, progress: ({ type }) => seen.push(type) });
  const part = await runner.run('shop: tables', 5000, async ({ progress, gaps }) => {
    progress({ type: 'warning', message: 'one is locked' });
    progress({ type: 'note', message: 'x' });
    gaps.push('one is locked', 'another');
    return 7;
  });
  expect(part).toMatchObject({
    looked: true,
    found: 7,
    gaps: ['one is locked', 'another'],
    limitMs: 5000,
  });
  expect(seen).toEqual(['begin', 'note', 'end']);
});

it('says why it could not look, and never rejects', async () => {
  const runner = new PartRunner({ limitMs: 60_000 });
  const known = await runner.run('a', 5000, async () => {
    throw new LifeboatError('postgres.refused', 'no entry', { hint: 'ask' });
  });
  expect(known).toMatchObject({
    looked: false,
    why: 'no entry',
    code: 'postgres.refused',
    hint: 'ask',
  });
  const bug = await runner.run('b', 5000, async () => {
    throw new TypeError('x is undefined');
  });
  expect(bug).toMatchObject({
    looked: false,
    code: 'bug',
    why: 'a mistake in this program: x is undefined',
  });
});

it('leaves behind what neither ends nor listens', async () => {
  const runner = new PartRunner({ limitMs: 60_000 });
  let heard: AbortSignal | undefined;
  const part = await runner.run('hangs', 60, ({ signal }) => {
    heard = signal;
    return never();
  });
  expect(part).toMatchObject({ looked: false, code: 'assess.timeout', limitMs: 60 });
  expect(heard?.aborted).toBe(true);
});

it('no part takes longer than is left for all', async () => {
  const runner = new PartRunner({ limitMs: 120 });
  const first = await runner.run('first', 5000, never);
  const second = await runner.run('second', 5000, async () => 1);
  expect(first).toMatchObject({ looked: false, code: 'assess.timeout' });
  expect(second).toMatchObject({
    looked: false,
    why: 'the time for the whole assessment was up',
    limitMs: 0,
  });
});

it('an interruption ends what runs, and nothing begins after it', async () => {
  const stop = new AbortController();
  const runner = new PartRunner({ limitMs: 60_000, signal: stop.signal });
  const running = runner.run('runs', 5000, ({ signal }) => {
    return new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error())));
  });
  stop.abort();
  expect(await running).toMatchObject({ looked: false, code: 'cancelled' });
  expect(await runner.run('later', 5000, async () => 1)).toMatchObject({ code: 'cancelled' });
});

it('a gap is what the world refuses; mistakes and the end of the part go on', () => {
  const open = { signal: new AbortController().signal } as PartWork;
  const refused = new LifeboatError('postgres.refused', 'no');
  expect(gapOf(refused, open)).toBe(refused);
  const bug = new LifeboatError('bug', 'x');
  expect(() => gapOf(bug, open)).toThrow(bug);
  expect(() => gapOf(new TypeError('x'), open)).toThrow(TypeError);
  const over = { signal: AbortSignal.abort() } as PartWork;
  expect(() => gapOf(refused, over)).toThrow(refused);
});
