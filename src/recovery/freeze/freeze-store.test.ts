import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { temporaryFolder } from '../../../test/support/postgres.ts';
import { lockFreezes } from './freeze-lock.ts';
import type { FreezeRecord } from './freeze-record.ts';
import { freezeStore, newFreezeId } from './freeze-store.ts';

let folder: string;
beforeEach(() => {
  folder = temporaryFolder('freezes');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const startedAt = new Date('2026-11-26T18:55:01.123Z');
const record: FreezeRecord = {
  format: 1,
  id: newFreezeId(startedAt),
  installation: 'test',
  host: 'web-1',
  actor: 'joe',
  startedAt: startedAt.toISOString(),
  revision: 1,
  phase: 'frozen',
  sources: ['shop'],
  items: [],
  gaps: [],
};

it('keeps what is frozen until it is thawed, then as history', async () => {
  const store = freezeStore(folder);
  expect(record.id).toMatch(/^20261126T185501Z-[0-9a-f]{6}$/);
  expect(await store.open()).toEqual([]);
  await store.save(record);
  expect(await store.open()).toEqual([record]);
  await store.save({ ...record, phase: 'thawed', revision: 2 });
  expect(await store.open()).toEqual([]);
  expect(await store.isHistory(record.id)).toBe(true);
});

it('takes what was thawed for thawed, though its record was not removed any more', async () => {
  const store = freezeStore(folder);
  await store.save({ ...record, phase: 'thawed' });
  writeFileSync(join(folder, 'freezes', `${record.id}.json`), JSON.stringify(record));
  expect(await store.open()).toEqual([]);
});

it('does not pass over a record that it cannot read', async () => {
  mkdirSync(join(folder, 'freezes'));
  for (const text of ['', '{}', JSON.stringify({ ...record, format: 2 })]) {
    writeFileSync(join(folder, 'freezes', `${record.id}.json`), text);
    await expect(freezeStore(folder).open()).rejects.toMatchObject({ code: 'file.unreadable' });
  }
});

it('lets one at a time freeze or thaw', async () => {
  const held = await lockFreezes(folder);
  await expect(lockFreezes(folder)).rejects.toMatchObject({ code: 'run.busy' });
  held[Symbol.dispose]();
  const again = await lockFreezes(folder);
  again[Symbol.dispose]();
  expect(readdirSync(join(folder, 'freezes'))).toEqual(['lock']);
});
