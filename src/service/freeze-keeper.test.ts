import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { temporaryFolder } from '../../test/support/postgres.ts';
import { noteUnsent } from '../recovery/freeze/unsent-records.ts';
import type { FreezeRecord } from '../recovery/index.ts';
import { FreezeKeeper } from './freeze-keeper.ts';
import type { ServiceEvent } from './service-event.ts';

let folder: string;
beforeEach(() => {
  folder = temporaryFolder('freezes');
  mkdirSync(join(folder, 'freezes'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const id = '20261126T120000Z-a1b2c3';
const record = (startedAt: Date) => ({
  format: 1,
  id,
  installation: 'test',
  host: 'web-1',
  actor: 'joe',
  startedAt: startedAt.toISOString(),
  revision: 3,
  phase: 'frozen',
  sources: ['shop'],
  items: [],
  gaps: [],
});

/** What the keeper says, until it has looked a few times. */
async function alarms(text: string): Promise<readonly ServiceEvent[]> {
  writeFileSync(join(folder, 'freezes', `${id}.json`), text);
  const stop = new AbortController();
  const events: ServiceEvent[] = [];
  const configuration = {
    stateFolder: folder,
    recovery: { frozenTooLong: '30m' },
    sources: { shop: {}, stock: {} },
  };
  const keeper = new FreezeKeeper({
    configuration: configuration as never,
    repositories: [],
    signal: stop.signal,
    onEvent: (event) => events.push(event),
    lookEveryMs: 1,
  });
  const running = keeper.run();
  await new Promise((resolve) => setTimeout(resolve, 100));
  stop.abort();
  await running;
  return events;
}

it('tells of what is frozen for too long, not at every look', async () => {
  const long = record(new Date(Date.now() - 31 * 60_000));
  expect(await alarms(JSON.stringify(long))).toEqual([
    expect.objectContaining({
      type: 'alarm',
      source: 'shop',
      code: 'freeze.too-long',
      message: expect.stringContaining('shop has been frozen for 31m'),
      hint: expect.stringContaining(`lifeboat thaw --freeze ${id}`),
    }),
  ]);
});

it('says nothing of what is frozen for less', async () => {
  expect(await alarms(JSON.stringify(record(new Date(Date.now() - 29 * 60_000))))).toEqual([]);
});

it('tells of a record that cannot be read for every source: any may be frozen', async () => {
  const seen = await alarms('{ "format": 1');
  expect(seen.map((event) => 'source' in event && event.source)).toEqual(['shop', 'stock']);
  expect(seen[0]).toMatchObject({ code: 'file.unreadable' });
});

it('gives a repository what it missed of a thaw, once it answers', async () => {
  const thawed = { ...record(new Date()), revision: 7, phase: 'thawed' as const };
  await noteUnsent(folder, thawed as FreezeRecord, ['main', 'gone']);
  const sent: unknown[] = [];
  const main = { records: { append: async ({ body }: { body: unknown }) => sent.push(body) } };
  const stop = new AbortController();
  const keeper = new FreezeKeeper({
    configuration: { stateFolder: folder, recovery: {}, sources: {} } as never,
    repositories: [{ name: 'main', open: async () => main as never }],
    signal: stop.signal,
    onEvent: () => {},
    lookEveryMs: 1,
  });
  const running = keeper.run();
  await new Promise((resolve) => setTimeout(resolve, 100));
  stop.abort();
  await running;
  expect(sent).toEqual([thawed]);
  const [left] = readdirSync(join(folder, 'freezes/unsent'));
  const unsent = JSON.parse(readFileSync(join(folder, 'freezes/unsent', left as string), 'utf8'));
  expect(unsent.repositories).toEqual(['gone']);
});
