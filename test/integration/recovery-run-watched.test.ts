// What others ask for while a run watches counts at once.
import { rmSync } from 'node:fs';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { sleep } from '../../src/core/index.ts';
import { type Engine, openSqliteEngine } from '../../src/recovery/index.ts';
import { MemoryLocation, type Repository } from '../../src/repository/index.ts';
import { type MemoryRepository, memoryRepository } from '../support/memory-repository.ts';
import { temporaryFolder } from '../support/postgres.ts';
import { engineFile, planOf, runsWith } from '../support/recovery-run.ts';

let stateFolder: string;
let template: MemoryRepository;
let stored: { open(): Repository };
let engine: Engine;
let done: string[];
const log = {
  run: (id: string) => void done.push(id),
  undo: (id: string) => void done.push(`undo ${id}`),
};

beforeAll(async () => {
  template = await memoryRepository();
});
beforeEach(async () => {
  stateFolder = temporaryFolder('run');
  const files = new Map(template.files);
  stored = { open: () => template.open(new MemoryLocation({ files })) };
  engine = await openSqliteEngine(engineFile(stateFolder));
  done = [];
});
afterEach(async () => {
  await engine[Symbol.asyncDispose]();
  rmSync(stateFolder, { recursive: true, force: true });
});

const place = (change = {}) => ({ stateFolder, repositories: { main: stored.open() }, ...change });
describe('a run that watches', () => {
  const plan = planOf([
    { id: 'a' },
    { id: 'watch', kind: 'watch', isDestructive: false },
    { id: 'c' },
  ]);
  const begin = () => {
    const watching = Promise.withResolvers<void>();
    const script = {
      ...log,
      async run(id: string, { signal }: { signal: AbortSignal }) {
        done.push(id);
        if (id !== 'watch' || done.filter((each) => each === id).length > 1) return;
        watching.resolve();
        await sleep(600_000, signal);
      },
    };
    const { runs, events } = runsWith({ engine, place: place(), script });
    return {
      runs,
      events,
      ended: runs.start(plan).catch((error) => error),
      watching: watching.promise,
    };
  };

  it('is given up at once when somebody asks for it elsewhere, and says who did', async () => {
    const { runs, events, ended, watching } = begin();
    await watching;
    await runs.say((await runs.find(undefined)).run, { type: 'abort', reason: 'wrong moment' });
    expect(await ended).toMatchObject({
      phase: 'aborted',
      steps: {
        watch: { error: { code: 'cancelled', message: expect.stringContaining('wrong moment') } },
      },
    });
    expect(done).toEqual(['a', 'watch', 'undo a']);
    const told = events.map(({ type }) => type);
    expect(told.indexOf('step-failed')).toBeLessThan(told.indexOf('aborting'));
  });

  it('pauses at once when somebody asks for it elsewhere, and watches again when it goes on', async () => {
    const { runs, ended, watching } = begin();
    await watching;
    await runs.say((await runs.find(undefined)).run, { type: 'pause', reason: 'lunch' });
    expect(await ended).toMatchObject({
      code: 'run.paused',
      message: expect.stringContaining('lunch'),
    });
    expect((await runs.find(undefined)).phase).toBe('paused');
    expect((await runs.resume(undefined)).phase).toBe('done');
    expect(done).toEqual(['a', 'watch', 'watch', 'c']);
  });
});
