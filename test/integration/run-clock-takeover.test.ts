// Every clock that can be set is set: that of the host, while it is off too, that of the server which holds the state, those of two hosts against each
// other. Whether a run is taken over hangs on none of them.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { sleep, steadyNow } from '../../src/core/index.ts';
import { type Engine, openSqliteEngine } from '../../src/recovery/index.ts';
import { openPostgresEngine } from '../../src/recovery/run/engine/postgres-engine.ts';
import { thisProcess } from '../../src/recovery/run/holder.ts';
import { takeHere } from '../../src/recovery/run/take-here.ts';
import { MemoryLocation } from '../../src/repository/index.ts';
import { parseConnectionUrl } from '../../src/sources/index.ts';
import { memoryRepository } from '../support/memory-repository.ts';
import { startPostgres, type TestServer, temporaryFolder } from '../support/postgres.ts';
import { embeddedPostgresBin } from '../support/programs.ts';
import { engineFile, planOf, runsWith } from '../support/recovery-run.ts';

const day = 86_400_000;
const jumps = [
  ['back by a day', -day],
  ['forward by a year', 365 * day],
] as const;

let folder: string;
let watchedMs: number;

beforeEach(() => {
  folder = temporaryFolder('clocks');
  watchedMs = 0;
  // The clock that nobody sets goes on when a test says so.
  const begun = performance.now();
  vi.spyOn(performance, 'now').mockImplementation(() => begun + watchedMs);
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true, force: true });
});

/** As `date --set` does: the timers of the system go on. */
function setHostClock(byMs: number): void {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + byMs });
}

/** A process whose life cannot be seen from here: of another container, or of a host that is off. */
const unseen = (actor: string) => ({ ...thisProcess(actor), machine: 'elsewhere' });

interface State {
  readonly engine: Engine;
  setClock(byMs: number): Promise<void>;
}

/** Alice drives it, bob wants it; how often bob has looked. */
function takeOver({ engine }: State) {
  let looks = 0;
  const notes: string[] = [];
  const take = engine.take.bind(engine);
  vi.spyOn(engine, 'take').mockImplementation(async (claim) => {
    const taken = await take(claim);
    looks += 1;
    return taken;
  });
  const taking = takeHere({
    engine,
    run: 'a',
    epoch: 2,
    targets: ['source database'],
    holder: thisProcess('bob'),
    progress: (event) => void (event.type === 'note' && notes.push(event.message)),
    nameOf: (target) => target,
    signal: new AbortController().signal,
  });
  let isOver = false;
  taking
    .catch(() => {})
    .finally(() => {
      isOver = true;
    });
  /** One that began after this. */
  const nextLook = async () => {
    const before = looks;
    while (looks < before + 2 && !isOver) await sleep(20);
  };
  return { taking, notes, nextLook };
}

const alices = {
  run: 'a',
  epoch: 1,
  targets: ['source database'],
  holder: unseen('alice'),
  isForced: false,
};

function neverTakenWrongly(open: () => Promise<State>): void {
  it.each(jumps)('of a server or host set %s takes no run from one that lives', async (_, byMs) => {
    const state = await open();
    const { engine } = state;
    expect(await engine.take(alices)).toEqual({ taken: true });
    await state.setClock(byMs);
    const { taking, notes, nextLook } = takeOver(state);
    await nextLook();
    expect(notes).toEqual([expect.stringMatching(/alice.*30 s whether it still gives signs/)]);
    expect(await engine.renew('a', 1)).toBe(true);
    watchedMs += 3_600_000;
    await expect(taking).rejects.toMatchObject({
      code: 'run.busy',
      message: expect.stringContaining('alice'),
    });
    expect(await engine.holds('a', 1)).toBe(true);
  });

  it.each(jumps)(
    'of a server or host set %s leaves no run to one that is gone',
    async (_, byMs) => {
      const state = await open();
      const { engine } = state;
      await engine.take(alices);
      await state.setClock(byMs);
      const { taking, nextLook } = takeOver(state);
      await nextLook();
      watchedMs += 29_000;
      await state.setClock(byMs);
      await nextLook();
      expect(await engine.holds('a', 1)).toBe(true);
      watchedMs += 2000;
      expect(await taking).toBe(2);
      expect(await engine.renew('a', 1)).toBe(false);
    },
  );
}

describe('a clock with node:sqlite as state', () => {
  let engine: Engine;
  afterEach(() => engine[Symbol.asyncDispose]());

  neverTakenWrongly(async () => {
    engine = await openSqliteEngine(engineFile(folder));
    return { engine, setClock: async (byMs) => setHostClock(byMs) };
  });

  it('of a host set while it was off takes no run from one that lives', async () => {
    engine = await openSqliteEngine(engineFile(folder));
    await engine.take(alices);
    // As of a boot before this one: nothing of its clocks can be compared with those of now.
    const { DatabaseSync } = await import('node:sqlite');
    const file = new DatabaseSync(join(folder, 'runs.db'));
    file.exec(`update targets set boot = 'another', renewed = renewed - ${365 * day}`);
    file.close();
    const { taking, nextLook } = takeOver({ engine, setClock: async () => {} });
    await nextLook();
    await engine.renew('a', 1);
    await expect(taking).rejects.toMatchObject({ code: 'run.busy' });
  });
});

describe('a clock with PostgreSQL as state', () => {
  let server: TestServer;
  let engine: Engine;
  let databases = 0;
  beforeAll(async () => {
    server = await startPostgres({ bin: embeddedPostgresBin(), major: 18 });
  });
  afterAll(() => server?.[Symbol.asyncDispose]());
  afterEach(() => engine[Symbol.asyncDispose]());

  neverTakenWrongly(async () => {
    const database = `state${++databases}`;
    await server.query(`create database ${database}`);
    // Before the clock of the server comes one that a test sets.
    await server.query(
      `create schema shim; create table shim.clock (offset_ms bigint); insert into shim.clock values (0);
       create function shim.clock_timestamp() returns timestamptz language sql volatile as
         $$ select pg_catalog.clock_timestamp() + (select offset_ms from shim.clock) * interval '1 ms' $$;
       alter database ${database} set search_path = shim, pg_catalog`,
      database,
    );
    engine = await openPostgresEngine(parseConnectionUrl(server.url(database), undefined));
    const setClock = async (byMs: number) => {
      setHostClock(byMs);
      await server.query(`update shim.clock set offset_ms = offset_ms + ${byMs}`, database);
    };
    return { engine, setClock };
  });
});

it('of two hosts whose clocks are a day apart, and which begin at once, one drives', async () => {
  const { files, open } = await memoryRepository();
  const shared = new Map(files);
  const engines: Engine[] = [];
  let watching = 0;
  const begin = async (host: string, skewMs: number) => {
    const engine = await openSqliteEngine(engineFile(join(folder, host)));
    engines.push(engine);
    const { runs } = runsWith({
      engine,
      place: {
        stateFolder: join(folder, host),
        repositories: { main: open(new MemoryLocation({ files: shared })) },
        host,
      },
      holder: { ...thisProcess('alice'), host, machine: `boot of ${host}` },
      now: () => new Date(steadyNow().getTime() + skewMs),
      progress: ({ type }) => {
        if (type === 'note' && ++watching === 2) watchedMs += 31_000;
      },
    });
    return await runs.start(planOf([{ id: 'a' }]));
  };
  const ended = await Promise.allSettled([begin('first', 0), begin('second', day)]);
  for (const engine of engines) await engine[Symbol.asyncDispose]();
  expect(ended.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  expect(ended.find(({ status }) => status === 'rejected')).toMatchObject({
    reason: { code: 'run.busy' },
  });
});
