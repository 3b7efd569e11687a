// Hosts that share nothing but a repository, and a repository that did not answer: two runs that did not know of each other come apart again; what a
// host did that is lost, and what it took back, is found by looking.
import { rmSync } from 'node:fs';
import { afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { LifeboatError } from '../../src/core/index.ts';
import { type Engine, openSqliteEngine, type RunDesk } from '../../src/recovery/index.ts';
import { thisProcess } from '../../src/recovery/run/holder.ts';
import { MemoryLocation, type Repository } from '../../src/repository/index.ts';
import { type MemoryRepository, memoryRepository } from '../support/memory-repository.ts';
import { temporaryFolder } from '../support/postgres.ts';
import { engineFile, planOf, runsWith, type Script } from '../support/recovery-run.ts';

let template: MemoryRepository;
let files: Map<string, Uint8Array>;
let answers: boolean;
/** Whose locks were removed. */
let unlocked: string[];
let hosts: Record<string, { readonly folder: string; readonly engine: Engine }>;

beforeAll(async () => {
  template = await memoryRepository();
});
beforeEach(() => {
  files = new Map(template.files);
  answers = true;
  unlocked = [];
  hosts = {};
});
afterEach(async () => {
  for (const { folder, engine } of Object.values(hosts)) {
    await engine[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  }
});

/** The repository that all of them have, while it answers. */
function repository(): Repository {
  const { records } = template.open(new MemoryLocation({ files }));
  const check = () => {
    if (!answers) throw new LifeboatError('location.unreachable', 'gone');
  };
  return {
    records: {
      async list(filter: Parameters<typeof records.list>[0]) {
        check();
        return await records.list(filter);
      },
      async append(record: Parameters<typeof records.append>[0]) {
        check();
        return await records.append(record);
      },
    },
    async unlock({ goneHost, onlyDead = false }: Parameters<Repository['unlock']>[0] = {}) {
      check();
      unlocked.push(goneHost ?? (onlyDead ? 'the dead of this host' : 'whatever looks old'));
      return [];
    },
  } as unknown as Repository;
}

const allow: RunDesk = async (question) =>
  question.kind === 'host' ? { answer: 'allow', typed: question.host } : undefined;

/** A host with a state of its own, whose processes the others cannot see. */
async function on(host: string, script: Script) {
  if (!hosts[host]) {
    const folder = temporaryFolder(`run-${host}`);
    hosts[host] = { folder, engine: await openSqliteEngine(engineFile(folder)) };
  }
  const { folder, engine } = hosts[host];
  return runsWith({
    engine,
    place: { stateFolder: folder, repositories: { main: repository() }, host },
    desk: allow,
    holder: { ...thisProcess('alice'), host, machine: `boot of ${host}` },
    script,
  }).runs;
}

const three = planOf([{ id: 'a' }, { id: 'b' }, { id: 'c' }]);

/** Both begin while the repository is silent; it answers while they are at their second step, which fails. */
async function beginApart(): Promise<{ readonly first: string; readonly second: string }> {
  const ids: string[] = [];
  for (const host of ['first', 'second']) {
    answers = false;
    const runs = await on(host, {
      run(id) {
        if (id === 'a') return;
        answers = true;
        throw new LifeboatError('platform.failed', 'no');
      },
    });
    await expect(runs.start(three)).rejects.toMatchObject({ code: 'run.failed' });
    const [found] = await runs.list();
    const own = (await hosts[host]?.engine.runs()) ?? [];
    ids.push(own[0] ?? found?.run ?? '');
  }
  const [first = '', second = ''] = ids;
  return { first, second };
}

it.each(['second', 'first'])(
  'of two runs that knew nothing of each other one is given up on the host %s, and the other goes on',
  async (host) => {
    const { first, second } = await beginApart();
    const undone: string[] = [];
    const script: Script = {
      probe: (id) => (id === 'a' ? 'done' : 'not-done'),
      undo: (id) => void undone.push(id),
    };
    // Neither goes on by itself, and each says how it can.
    for (const [here, run, other] of [
      ['first', first, second],
      ['second', second, first],
    ] as const) {
      await expect((await on(here, script)).resume(run)).rejects.toMatchObject({
        code: 'run.busy',
        hint: expect.stringMatching(new RegExp(`--abort ${other}.*--abort ${run}`)),
      });
    }
    const aborted = await (await on(host, script)).resume(second, {
      abort: { reason: 'too late' },
    });
    expect(aborted.phase).toBe('aborted');
    expect(undone).toEqual(['a']);
    expect((await (await on('first', script)).resume(first)).phase).toBe('done');
  },
);

it('is not given up beside one that is driven', async () => {
  const { first, second } = await beginApart();
  let refused: unknown;
  const giveUp = async (host: string, run: string) =>
    await (await on(host, {})).resume(run, { abort: { reason: 'too late' } });
  const runs = await on('second', {
    probe: () => 'continue',
    async undo() {
      refused = await giveUp('first', first).catch((error) => error);
    },
  });
  await runs.resume(second, { abort: { reason: 'too late' } });
  expect(refused).toMatchObject({ code: 'run.busy', message: expect.stringContaining(second) });
  expect((await giveUp('first', first)).phase).toBe('aborted');
});

it('what a host that is lost had begun to take back is asked about, and taken back once', async () => {
  const world = new Set<string>();
  const did: string[] = [];
  const script: Script = {
    run(id) {
      if (id === 'c' && !world.has('go')) throw new LifeboatError('platform.failed', 'no');
      did.push(id);
      world.add(id);
    },
    probe: (id) => (world.has(id) ? 'done' : 'not-done'),
    undo(id) {
      if (id === 'a') throw new LifeboatError('platform.failed', 'no');
      did.push(`undo ${id}`);
      world.delete(id);
    },
  };
  const runs = await on('first', script);
  const failed = await runs.start(three).catch((error) => error);
  const { run } = failed.context;
  answers = false;
  await expect(runs.resume(run, { abort: { reason: 'enough' } })).rejects.toMatchObject({
    code: 'run.failed',
  });
  expect(did).toEqual(['a', 'b', 'undo b']);
  // The first host is gone, and with it all that says that the run was to be given up.
  answers = true;
  const other = await on('second', script);
  const paused = await other.resume(run).catch((error) => error);
  expect(paused).toMatchObject({ code: 'run.paused' });
  expect(paused.message).toContain('"Do b" was done and is not so any more');
  const kept = { ...script, undo: (id: string) => void did.push(`undo ${id}`) };
  const aborted = await (await on('second', kept)).resume(run, { abort: { reason: 'enough' } });
  expect(aborted.phase).toBe('aborted');
  expect(did).toEqual(['a', 'b', 'undo b', 'undo a']);
});

it('frees the locks of killed processes of this host, and those of a host that is gone', async () => {
  const failing: Script = {
    run() {
      throw new LifeboatError('platform.failed', 'no');
    },
  };
  const failed = await (await on('first', failing)).start(three).catch((error) => error);
  expect(unlocked).toEqual([]);
  const { run } = failed.context;
  await (await on('first', failing)).resume(run).catch(() => {});
  expect(unlocked).toEqual(['the dead of this host']);
  await (await on('second', {})).resume(run, { takeOver: 'first' });
  expect(unlocked).toEqual(['the dead of this host', 'first']);
});

it('what lay on a host that is lost is made again, and looked at again', async () => {
  const plan = planOf([
    { id: 'restore', isDestructive: false },
    { id: 'check', isDestructive: false, input: { id: 'check', of: 'restore' } },
    { id: 'other', isDestructive: false },
    { id: 'deliver', isDestructive: false, input: { id: 'deliver', of: 'restore' } },
    { id: 'swap', input: { id: 'swap', of: 'deliver' } },
  ]);
  const did: string[] = [];
  const run = (id: string) => void did.push(id);
  const first = await on('first', {
    run(id) {
      if (id === 'deliver') throw new LifeboatError('disk.full', 'no room');
      run(id);
    },
  });
  await expect(first.start(plan)).rejects.toMatchObject({ code: 'run.failed' });
  const second = await on('second', { run, probe: () => 'not-done' });
  const state = await second.resume('INC-1');
  expect(state.phase).toBe('done');
  expect(did).toEqual(['restore', 'check', 'other', 'restore', 'check', 'deliver', 'swap']);
});
