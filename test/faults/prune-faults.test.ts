import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { checkRepository } from '../../src/repository/check/check-repository.ts';
import { keyFromBytes } from '../../src/repository/crypto/key-derivation.ts';
import { WorkerPool } from '../../src/repository/data-plane/worker-pool.ts';
import type { Location } from '../../src/repository/index.ts';
import { MemoryLocation } from '../../src/repository/index.ts';
import type { PruneOptions } from '../../src/repository/prune/prune-options.ts';
import { pruneRepository } from '../../src/repository/prune/prune-repository.ts';
import { ResticRepository } from '../../src/repository/restic-repository.ts';
import { type RepositoryAccess, sha256 } from '../../src/repository/stored-file.ts';
import { noSnapshots } from '../support/no-snapshots.ts';
import { storeFiles } from '../support/stored-files.ts';
import { type Fault, FaultyLocation } from './faulty-location.ts';

const isSoak = process.env.LIFEBOAT_SOAK === '1';
const masterKey = keyFromBytes(randomBytes(64));
const now: PruneOptions = { keepMarkedMs: 0, maxUnused: { bytes: 0 } };
let pool: WorkerPool;
/** Needed, unneeded, partly needed and unindexed packs; marks of a former prune. */
let scene: ReadonlyMap<string, Uint8Array>;

const accessTo = (location: Location): RepositoryAccess => ({ location, masterKey, version: 2 });

beforeAll(async () => {
  pool = new WorkerPool(masterKey);
  const files = noSnapshots(masterKey);
  const location = new MemoryLocation({ files });
  const config = { version: 2, id: 'ab'.repeat(32), chunkerPolynomial: 0n } as never;
  await using repository = new ResticRepository({ location, masterKey, config });
  const kept = { kept: randomBytes(150_000) };
  const lost = { lost: randomBytes(350_000) };
  const forgotten = [await storeFiles(repository, { old: randomBytes(100_000) })];
  await location.remove('snapshots', forgotten[0] as string);
  await repository.prune();
  forgotten.push(await storeFiles(repository, { ...kept, ...lost }));
  forgotten.push(await storeFiles(repository, lost));
  await storeFiles(repository, { ...kept, other: randomBytes(50_000) });
  for (const id of forgotten) await location.remove('snapshots', id);
  const orphan = randomBytes(300);
  await location.write('data', sha256(orphan), orphan);
  scene = files;
});

afterAll(() => pool[Symbol.asyncDispose]());

async function errorsOf(files: Map<string, Uint8Array>) {
  const access = accessTo(new MemoryLocation({ files }));
  const report = await checkRepository(access, pool, { readData: true });
  expect(report.snapshots).toBe(1);
  return report.findings.filter(({ severity }) => severity === 'error');
}

/** What was made of the scene: whole after the fault, and as small as can be after another run. */
async function expectWhole(files: Map<string, Uint8Array>, what: string): Promise<void> {
  // Of a process that died; a lock of a living one is refreshed, not removed.
  for (const path of files.keys()) if (path.startsWith('locks/')) files.delete(path);
  expect(await errorsOf(files), what).toEqual([]);
  await pruneRepository(accessTo(new MemoryLocation({ files })), pool, now);
  expect(await errorsOf(files), `${what}, then another run`).toEqual([]);
  const packs = [...files.keys()].filter((path) => path.startsWith('data/'));
  // What was repacked, what was not touched, and the trees.
  expect(packs.length, `${what}, then another run`).toBe(3);
}

/** In CI some of many, in a soak all of them. */
function some<Each>(all: readonly Each[], count: number): readonly Each[] {
  if (isSoak || all.length <= count) return all;
  return Array.from({ length: count }, (_, number) => {
    return all[Math.floor((number * all.length) / count)] as Each;
  });
}

it('dies after any of its operations: whole, and the next run goes on', async () => {
  const trial = new FaultyLocation(new MemoryLocation({ files: new Map(scene) }), {});
  await pruneRepository(accessTo(trial), pool, now);
  expect(trial.operations).toBeGreaterThan(30);
  const steps = Array.from({ length: trial.operations - 1 }, (_, number) => number + 1);
  for (const stopAfterOperations of some(steps, 10)) {
    const files = new Map(scene);
    const location = new FaultyLocation(new MemoryLocation({ files }), { stopAfterOperations });
    await pruneRepository(accessTo(location), pool, now).catch(() => {});
    await expectWhole(files, `stopped after ${stopAfterOperations}`);
  }
});

it('meets any failing, half-failing or unacknowledged operation: whole, and the next run goes on', async () => {
  const faults: Fault[] = [];
  const kinds = { list: 4, read: 12, write: 8, remove: 10 } as const;
  for (const operation of ['list', 'read', 'write', 'remove'] as const) {
    const effects = {
      list: ['error'],
      read: ['error'],
      write: ['error', 'half-write', 'lost-answer'],
      remove: ['error', 'lost-answer'],
    } as const;
    for (const kind of ['locks', 'snapshots', 'index', 'data'] as const) {
      for (const effect of effects[operation]) {
        for (let nth = 1; nth <= kinds[operation]; nth++) {
          faults.push({ operation, kind, nth, effect });
        }
      }
    }
  }
  let fired = 0;
  for (const fault of some(faults, 24)) {
    const files = new Map(scene);
    const location = new FaultyLocation(new MemoryLocation({ files }), { faults: [fault] });
    await pruneRepository(accessTo(location), pool, now).catch(() => {});
    try {
      location.assertFired();
    } catch {
      continue;
    }
    fired++;
    await expectWhole(files, JSON.stringify(fault));
  }
  expect(fired).toBeGreaterThan(8);
});
