import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { memoryRepository } from '../../test/support/memory-repository.ts';
import { temporaryFolder } from '../../test/support/postgres.ts';
import { storeSnapshot } from '../../test/support/stored-scene.ts';
import { parseConfiguration } from '../config/index.ts';
import { LifeboatError, Secret } from '../core/index.ts';
import { createPlatforms } from '../platforms/index.ts';
import type { Repository } from '../repository/index.ts';
import type { Source } from '../sources/index.ts';
import { readActivities } from './activity.ts';
import { runService } from './run-service.ts';
import type { ServiceEvent } from './service-event.ts';
import { readStreamNote, writeStreamNote } from './stream-note.ts';

const everySecond = '* * * * * *';
let folder: string;
beforeEach(() => {
  folder = temporaryFolder('service');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Stores a little more at each backup. */
function growing(name: string): Source {
  let round = 0;
  return {
    name,
    kind: 'postgres',
    describe: () => name,
    async backup({ repository }) {
      const content = Buffer.from(`${name} ${++round}`);
      const snapshot = await storeSnapshot(repository, [content], `source:${name}`);
      const flagged = round === 2 ? { flagged: ['everything is new'] } : {};
      const sizes = { bytesTotal: 1, bytesNew: 1, bytesStored: 1, filesTotal: 1, durationMs: 1 };
      return { source: name, snapshot, ...sizes, warnings: [], ...flagged };
    },
    hasBackup: async ({ repository }) => (await repository.snapshots()).length > 0,
    doctor: async () => [],
  };
}

async function serve(
  options: string,
  repositories: Readonly<Record<string, Repository | (() => Promise<Repository>)>>,
  isDone: (events: readonly ServiceEvent[]) => boolean,
): Promise<readonly ServiceEvent[]> {
  const text = `
name: test
state: ${folder}
sources:
  docs: { kind: files, paths: [/x], backup: '${everySecond}' }
${options}`;
  const configuration = parseConfiguration(text, join(folder, 'lifeboat.yaml'), {});
  const stop = new AbortController();
  const events: ServiceEvent[] = [];
  await runService({
    configuration,
    repositories: new Map(
      Object.entries(repositories).map(([name, each]) => [
        name,
        typeof each === 'function' ? each : async () => each,
      ]),
    ),
    sources: [growing('docs')],
    platforms: createPlatforms({ environment: {} }),
    checks: () => ({ environment: {}, secret: async () => new Secret('none') }),
    signal: stop.signal,
    onEvent: (event) => {
      events.push(event);
      if (isDone(events)) stop.abort();
    },
  });
  return events;
}

const of = (events: readonly ServiceEvent[], type: ServiceEvent['type']) =>
  events.filter((event) => event.type === type);

describe('the service', () => {
  it('backs up, forgets by policy, copies, prunes and checks, and remembers when', async () => {
    await using main = (await memoryRepository()).open();
    await using offsite = (await memoryRepository()).open();
    const events = await serve(
      `
repositories:
  main: { location: a, password: { env: X }, prune: '${everySecond}', check: '${everySecond}' }
  offsite: { location: b, password: { env: X }, copyFrom: main, retention: { last: unlimited } }
services:
  api: { platform: shell, stop: [x], start: [run, api], isRunning: [x], writes: [docs] }
retention: { last: 2, minimum: 1 }`,
      { main, offsite },
      (all) =>
        of(all, 'backup').length > 3 &&
        all.some((event) => event.type === 'copy' && event.snapshots > 0) &&
        ['forget', 'copy', 'prune', 'check', 'flagged'].every((type) =>
          all.some((event) => event.type === type),
        ),
    );
    expect(of(events, 'alarm')).toEqual([]);
    expect(events.find((event) => event.type === 'forget')).toMatchObject({
      repository: 'main',
      source: 'docs',
    });
    expect(events).toContainEqual(
      expect.objectContaining({ type: 'flagged', reasons: ['everything is new'] }),
    );
    const made = await main.records.list({ kind: 'service-baseline', source: 'docs' });
    // The end of the service may come before that of the last.
    expect(made.length).toBeGreaterThanOrEqual(of(events, 'backup').length - 1);
    expect(made[0]?.body).toMatchObject({
      services: { api: { baseline: { command: ['run', 'api'] } } },
    });
    const copied = of(events, 'copy').length;
    expect(copied).toBeGreaterThan(0);
    expect((await offsite.snapshots()).length).toBeGreaterThan(0);
    for (const each of [main, offsite]) {
      expect((await each.check({ readData: true })).findings).toEqual([]);
      expect(await each.location.list('locks')).toEqual([]);
    }
    expect(await readActivities(folder, main)).toMatchObject({
      prune: { isGood: true },
      check: { isGood: true, result: '0 errors' },
    });
    expect(await readActivities(folder, offsite)).toMatchObject({ copy: { isGood: true } });
    expect(events.at(-1)).toEqual({ type: 'service-stopped' });
  }, 180_000);

  it('raises an alarm when a check finds damage or a copy fails, and goes on', async () => {
    const store = await memoryRepository();
    await using main = store.open();
    await storeSnapshot(main, [Buffer.from('to be lost')], 'source:docs');
    for (const path of [...store.files.keys()]) {
      if (path.startsWith('data/')) store.files.delete(path);
    }
    const broken = await memoryRepository();
    const offsite = broken.open();
    await offsite[Symbol.asyncDispose]();
    broken.files.clear();
    const events = await serve(
      `
repositories:
  main: { location: a, password: { env: X }, check: '${everySecond}' }
  offsite: { location: b, password: { env: X }, copyFrom: main }`,
      { main, offsite },
      (all) => {
        const alarms = new Set(
          all.flatMap((event) => (event.type === 'alarm' ? [event.repository] : [])),
        );
        return alarms.has('main') && alarms.has('offsite') && of(all, 'backup').length > 1;
      },
    );
    expect(events).toContainEqual(
      expect.objectContaining({
        type: 'alarm',
        repository: 'main',
        code: 'repository.damaged',
        message: expect.stringContaining('the check found'),
      }),
    );
    expect(
      JSON.parse(readFileSync(join(folder, 'activity', main.id, 'check.json'), 'utf8')),
    ).toMatchObject({ isGood: false });
  }, 180_000);

  it('serves what it can reach, and the rest as soon as it can', async () => {
    await using main = (await memoryRepository()).open();
    await using offsite = (await memoryRepository()).open();
    let attempts = 0;
    const events = await serve(
      `
repositories:
  main: { location: a, password: { env: X } }
  offsite: { location: b, password: { env: X }, copyFrom: main }`,
      {
        main,
        offsite: async () => {
          if (++attempts < 2) throw new LifeboatError('location.unreachable', 'out of reach');
          return offsite;
        },
      },
      (all) => all.some((event) => event.type === 'copy' && event.snapshots > 0),
    );
    expect(events).toContainEqual(
      expect.objectContaining({ type: 'alarm', repository: 'offsite', message: 'out of reach' }),
    );
    expect((await offsite.snapshots()).length).toBeGreaterThan(0);
  }, 180_000);

  it('notes for `status` when it tries a repository again that is away', async () => {
    const before = new Date();
    await writeStreamNote(folder, { source: 'docs', time: before, phase: 'streaming' });
    const away = new LifeboatError('location.unreachable', 'out of reach');
    await serve(
      'repositories: { main: { location: a, password: { env: X } } }',
      { main: () => Promise.reject(away) },
      (all) => of(all, 'alarm').length > 0,
    );
    const note = await readStreamNote(folder, 'docs');
    expect(note).toMatchObject({ phase: 'stopped', problem: 'out of reach' });
    expect(note?.nextTry?.getTime()).toBeGreaterThan(before.getTime());
  }, 60_000);

  it('does not begin with a repository that does not open, and stops the others first', async () => {
    await using main = (await memoryRepository()).open();
    const wrong = new LifeboatError('repository.wrong-password', 'no key opens');
    const events = serve(
      `
repositories:
  main: { location: a, password: { env: X } }
  offsite: { location: b, password: { env: X }, copyFrom: main }`,
      { main, offsite: () => Promise.reject(wrong) },
      () => false,
    );
    await expect(events).rejects.toBe(wrong);
    expect(await main.location.list('locks')).toEqual([]);
  }, 60_000);
});
