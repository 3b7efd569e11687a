// Random plans, processes that die at random points inside of intents, work and outcomes, repositories that do not answer, looks that
// tell nothing, hosts that are lost: no destructive part is ever done twice, every run ends done or given up, and both copies of its
// journal say the same.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { beforeAll, expect, it } from 'vitest';
import { LifeboatError } from '../../src/core/index.ts';
import {
  type Engine,
  isEnded,
  openSqliteEngine,
  type RunDesk,
  type RunState,
} from '../../src/recovery/index.ts';
import { thisProcess } from '../../src/recovery/run/holder.ts';
import { parseEntry, type RunEntry } from '../../src/recovery/run/run-entry.ts';
import { foldRun, mergeEntries } from '../../src/recovery/run/run-state.ts';
import { MemoryLocation, type Repository } from '../../src/repository/index.ts';
import { type MemoryRepository, memoryRepository } from '../support/memory-repository.ts';
import { temporaryFolder } from '../support/postgres.ts';
import { approvalOf, planOf, runsWith } from '../support/recovery-run.ts';

let template: MemoryRepository;
beforeAll(async () => {
  template = await memoryRepository();
});

/** A process that can die at a point of its work: from then on nothing that it does has any effect. */
class Mortal {
  #left: number;
  isDead = false;

  constructor(points: number) {
    this.#left = points;
  }

  /** Dies here when its time has come. */
  point(): void {
    if (!this.isDead && --this.#left >= 0) return;
    this.isDead = true;
    throw new Error('killed');
  }
}

/** Dies before or after any write. */
function mortalEngine(engine: Engine, life: Mortal): Engine {
  const around =
    <Arguments extends unknown[], Value>(call: (...args: Arguments) => Promise<Value>) =>
    async (...args: Arguments) => {
      life.point();
      const value = await call(...args);
      life.point();
      return value;
    };
  return {
    kind: engine.kind,
    place: engine.place,
    take: around((claim) => engine.take(claim)),
    holds: (run, epoch) => engine.holds(run, epoch),
    renew: (run, epoch) => engine.renew(run, epoch),
    release: around((run, epoch) => engine.release(run, epoch)),
    append: around((entry) => engine.append(entry)),
    adopt: around((entries) => engine.adopt(entries)),
    wrote: (run, epoch) => engine.wrote(run, epoch),
    entries: (run) => engine.entries(run),
    runs: () => engine.runs(),
    addNote: (note) => engine.addNote(note),
    notes: (run) => engine.notes(run),
    async [Symbol.asyncDispose]() {},
  };
}

function mortalRepository(repository: Repository, life: Mortal, answers: () => boolean) {
  const { records } = repository;
  const check = () => {
    life.point();
    if (!answers()) throw new LifeboatError('location.unreachable', 'gone');
  };
  return {
    unlock: async () => check(),
    records: {
      async list(filter: Parameters<typeof records.list>[0]) {
        check();
        return await records.list(filter);
      },
      async append(record: Parameters<typeof records.append>[0]) {
        check();
        const stored = await records.append(record);
        life.point();
        return stored;
      },
    },
  } as unknown as Repository;
}

const life = fc.record({
  points: fc.integer({ min: 1, max: 60 }),
  /** The host is lost with its state afterwards. */
  losesHost: fc.boolean(),
  answers: fc.constantFrom('always', 'always', 'never', 'at first', 'at last'),
  fails: fc.constantFrom('', '', 'a', 'b', 'c', 'd'),
  looks: fc.constantFrom('honest', 'honest', 'unclear'),
  isAsked: fc.boolean(),
  wantsToAbort: fc.constantFrom(false, false, false, true),
});
const step = fc.record({
  isDestructive: fc.boolean(),
  isAllowed: fc.boolean(),
  /** How much of its work is done when it fails. */
  failsAfter: fc.boolean(),
});
const cases = fc.record({
  steps: fc.array(step, { minLength: 1, maxLength: 4 }),
  lives: fc.array(life, { minLength: 1, maxLength: 5 }),
});

const knownSeed = 20261126;

it('does nothing destructive twice, and ends', async () => {
  const runs = process.env.LIFEBOAT_SOAK ? 2000 : 25;
  const seen = { crashes: 0, done: 0, aborted: 0, hosts: 0, unclear: 0 };
  await fc.assert(
    fc.asyncProperty(cases, async ({ steps, lives }) => {
      await play(steps, lives, seen);
    }),
    // New plans are looked for in the soak; here those that are known to try what matters.
    process.env.LIFEBOAT_SOAK ? { numRuns: runs } : { numRuns: runs, seed: knownSeed },
  );
  // Otherwise nothing of the above was tried.
  const rare = process.env.LIFEBOAT_SOAK ? [seen.aborted, seen.hosts, seen.unclear] : [];
  for (const count of [seen.crashes, seen.done, ...rare]) {
    expect(count, JSON.stringify(seen)).toBeGreaterThan(0);
  }
});

type Case = typeof cases extends fc.Arbitrary<infer Value> ? Value : never;

async function play(
  steps: Case['steps'],
  lives: Case['lives'],
  seen: Record<'crashes' | 'done' | 'aborted' | 'hosts' | 'unclear', number>,
): Promise<void> {
  const folder = temporaryFolder('runs');
  const plan = planOf(
    steps.map(({ isDestructive, isAllowed }, index) => ({
      id: 'abcd'[index] as string,
      isDestructive,
      ...(isAllowed ? { approval: approvalOf({ typed: 'yes' }) } : {}),
    })),
  );
  const stepOf = (id: string) => steps['abcd'.indexOf(id)] as Case['steps'][number];
  const files = new Map(template.files);
  const world = new Map<string, number>();
  const did = (id: string) => world.get(id) ?? 0;
  const honest = {
    points: Number.POSITIVE_INFINITY,
    losesHost: false,
    answers: 'always',
    fails: '',
    looks: 'honest',
    isAsked: true,
    wantsToAbort: false,
  };
  let host = 1;
  let engine = await openSqliteEngine(join(folder, `${host}.db`));
  let id: string | undefined;
  let end: RunState | undefined;
  let last: unknown;
  let hasLostHost = false;
  // However a run was mistreated, an honest life brings it to its end.
  for (const each of [...lives, honest]) {
    const mortal = new Mortal(each.points);
    let calls = 0;
    const answers = () => {
      calls++;
      if (each.answers === 'at first') return calls < 8;
      if (each.answers === 'at last') return calls > 8;
      return each.answers === 'always';
    };
    const desk: RunDesk = async (question) => {
      mortal.point();
      if (!each.isAsked) return undefined;
      if (question.kind === 'host') return { answer: 'allow', typed: `host${host}` };
      if (question.kind === 'approval') return { answer: 'allow', typed: 'yes' };
      seen.unclear++;
      return { answer: did(question.step.id) > 0 ? 'was-done' : 'run-again' };
    };
    const { runs } = runsWith({
      engine: mortalEngine(engine, mortal),
      place: {
        stateFolder: join(folder, String(host)),
        repositories: {
          main: mortalRepository(
            template.open(new MemoryLocation({ files })) as unknown as Repository,
            mortal,
            answers,
          ),
        },
        host: `host${host}`,
      },
      desk,
      holder: { ...thisProcess('alice'), host: `host${host}`, startTicks: '1' },
      script: {
        run(id) {
          mortal.point();
          if (each.fails === id && !stepOf(id).failsAfter) {
            throw new LifeboatError('platform.failed', 'no');
          }
          world.set(id, did(id) + 1);
          if (stepOf(id).isDestructive) expect(did(id), `${id} was done twice`).toBe(1);
          mortal.point();
          if (each.fails === id) throw new LifeboatError('postgres.connection-lost', 'broke');
        },
        probe(id) {
          mortal.point();
          if (each.looks === 'unclear') return 'unclear';
          return did(id) > 0 ? 'done' : 'not-done';
        },
        undo(id) {
          mortal.point();
          world.set(id, 0);
          mortal.point();
        },
      },
    });
    const abort = each.wantsToAbort ? { abort: { reason: 'enough' } } : {};
    try {
      const known = await runs.list();
      id ??= known[0]?.run;
      const [newest] = known;
      if (newest && isEnded(newest)) end = newest;
      if (end) break;
      // Who has lost a host knows that there was a run, and waits until a repository tells of it.
      if (hasLostHost && id === undefined) continue;
      end =
        id === undefined
          ? await runs.start(plan)
          : await runs.resume(id, {
              ...abort,
              ...(known[0]?.holder ? { takeOver: known[0].holder.host } : {}),
            });
    } catch (error) {
      last = error;
      if (mortal.isDead) seen.crashes++;
      else if (!(error instanceof LifeboatError) || error.code === 'bug') throw error;
    }
    if (end && isEnded(end)) break;
    const isStored = (await entriesIn(files)).some(({ body }) => body.type === 'opened');
    if (each.losesHost && isStored) {
      seen.hosts++;
      hasLostHost = true;
      await engine[Symbol.asyncDispose]();
      engine = await openSqliteEngine(join(folder, `${++host}.db`));
    }
  }
  expect(String(end?.phase), String(last)).toMatch(/^(done|aborted)$/);
  const run = end?.run as string;
  for (const { id, isDestructive } of plan.steps) {
    // What a lost host did, or undid, and no repository heard of is looked for where it destroys, and nowhere else.
    if (hasLostHost && !isDestructive) continue;
    if (end?.phase === 'aborted') expect(did(id)).toBe(0);
    else if (isDestructive) expect(did(id)).toBe(1);
    else expect(did(id)).toBeGreaterThan(0);
  }
  seen[end?.phase === 'done' ? 'done' : 'aborted']++;
  // What a repository did not hear in time it hears from whoever looks next.
  const main = template.open(new MemoryLocation({ files })) as unknown as Repository;
  const looks = runsWith({ engine, place: { stateFolder: folder, repositories: { main } } });
  await looks.runs.list();
  const here = foldRun(mergeEntries(await engine.entries(run)));
  const there = foldRun(mergeEntries((await entriesIn(files)).filter((each) => each.run === run)));
  // A host that came after its end has nothing of it.
  if (here) expect(there).toEqual(here);
  else expect(there?.phase).toBe(end?.phase);
  await engine[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
}

async function entriesIn(files: Map<string, Uint8Array>): Promise<readonly RunEntry[]> {
  const records = await template.open(new MemoryLocation({ files })).records.list({ kind: 'run' });
  return records.flatMap(({ body }) => {
    const { type, entry } = body as { type: string; entry: unknown };
    return type === 'entry' ? (parseEntry(entry) ?? []) : [];
  });
}
