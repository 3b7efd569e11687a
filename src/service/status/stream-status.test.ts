import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { lockInstance } from '../instance-lock.ts';
import { noteNextTry, writeStreamNote } from '../stream-note.ts';
import { streamStatus } from './stream-status.ts';

const noted = new Date('2026-11-26T08:00:00Z');
const later = (seconds: number) => new Date(noted.getTime() + seconds * 1000);
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lifeboat-stream-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const note = (phase: 'streaming' | 'stopped') =>
  writeStreamNote(folder, {
    source: 'shop',
    time: noted,
    phase,
    written: 5n,
    writtenUntil: later(-1),
    flushedUntil: later(-3),
  });

it('says what a loss would take, as it was when the service told it', async () => {
  await note('streaming');
  expect(await streamStatus(folder, 'shop', later(8))).toMatchObject({
    time: noted,
    phase: 'streaming',
    rpoWithoutDatabaseMs: 1000,
    rpoWithoutBothMs: 3000,
  });
});

it('takes a service for dead that says nothing, and what a loss takes grows', async () => {
  await note('streaming');
  expect(await streamStatus(folder, 'shop', later(3600))).toMatchObject({
    phase: 'dead',
    rpoWithoutDatabaseMs: 3_601_000,
  });
  await note('stopped');
  expect(await streamStatus(folder, 'shop', later(3600))).toMatchObject({
    phase: 'stopped',
    rpoWithoutBothMs: 3_603_000,
  });
});

it('says that a service runs and tries again, and not so once it ended meanwhile', async () => {
  await noteNextTry(folder, 'shop', { problem: 'away', delayMs: 9000 });
  expect(await streamStatus(folder, 'shop', later(0))).toBeUndefined();
  await note('streaming');
  await noteNextTry(folder, 'shop', { problem: 'away', delayMs: 9000 });
  const running = await lockInstance(folder);
  expect(await streamStatus(folder, 'shop', later(0))).toMatchObject({
    phase: 'retrying',
    problem: 'away',
    nextTry: expect.any(Date),
  });
  await running[Symbol.asyncDispose]();
  const ended = await streamStatus(folder, 'shop', later(0));
  expect(ended).toMatchObject({ phase: 'stopped', rpoWithoutBothMs: 3000 });
  expect(ended).not.toHaveProperty('nextTry');
});

it('knows nothing of what was never streamed', async () => {
  expect(await streamStatus(folder, 'other', later(0))).toBeUndefined();
});
