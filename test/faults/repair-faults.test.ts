import { randomBytes } from 'node:crypto';
import { beforeAll, expect, it } from 'vitest';
import { keyFromBytes } from '../../src/repository/crypto/key-derivation.ts';
import { type Location, MemoryLocation, type Repository } from '../../src/repository/index.ts';
import { ResticRepository } from '../../src/repository/restic-repository.ts';
import { noSnapshots } from '../support/no-snapshots.ts';
import { hashesOf, hashesWanted, storeFiles } from '../support/stored-files.ts';
import { FaultyLocation } from './faulty-location.ts';

const isSoak = process.env.LIFEBOAT_SOAK === '1';
const masterKey = keyFromBytes(randomBytes(64));
const one = { kept: randomBytes(150_000) };
const two = { ...one, two: randomBytes(250_000) };
let scene: ReadonlyMap<string, Uint8Array>;
let ids: readonly [string, string];
/** The pack with the blobs of /two, of which a repair saves all but one. */
let pack: string;

function open(location: Location): Repository {
  const config = { version: 2, id: 'ab'.repeat(32), chunkerPolynomial: 0n } as never;
  return new ResticRepository({ location, masterKey, config });
}

beforeAll(async () => {
  const files = noSnapshots(masterKey);
  await using repository = open(new MemoryLocation({ files }));
  const first = await storeFiles(repository, one);
  const before = new Set(files.keys());
  ids = [first, await storeFiles(repository, two)];
  const [path, bytes] = [...files].find(([each, { length }]) => {
    return each.startsWith('data/') && !before.has(each) && length > 200_000;
  }) as [string, Uint8Array];
  pack = path.slice('data/'.length);
  const changed = bytes.slice();
  changed[50_000] = (changed[50_000] as number) ^ 1;
  files.set(path, changed);
  scene = files;
});

/** As the guide says, from whatever an interrupted repair has left. */
async function repairAll(repository: Repository): Promise<void> {
  await repository.repairIndex();
  const isThere = (await repository.location.list('data')).some(({ name }) => name === pack);
  if (isThere) await repository.repairPacks([pack]);
  await repository.repairSnapshots({ dryRun: false, forget: true });
  await repository.prune({ keepMarkedMs: 0 });
}

async function expectRepaired(files: Map<string, Uint8Array>, what: string): Promise<void> {
  for (const path of files.keys()) if (path.startsWith('locks/')) files.delete(path);
  await using repository = open(new MemoryLocation({ files }));
  expect(await hashesOf(repository, ids[0]), what).toEqual(hashesWanted(one));
  await repairAll(repository);
  const report = await repository.check({ readData: true });
  expect(report.findings, what).toEqual([]);
  expect(await hashesOf(repository, ids[0]), what).toEqual(hashesWanted(one));
  const twins = (await repository.snapshots()).filter(({ tags }) => tags.includes('repaired'));
  expect(twins.length, what).toBeGreaterThan(0);
  for (const { id, original } of twins) {
    expect(original, what).toBe(ids[1]);
    const { kept, two: shortened } = await hashesOf(repository, id);
    expect(kept, what).toBe(hashesWanted(one).kept);
    // Two of its three blobs were whole, whichever step died.
    const whole = two.two.subarray(100_000);
    expect(shortened, what).toBe(hashesWanted({ whole }).whole);
  }
}

it('repairs that die after any of their operations lose nothing more, and go on', async () => {
  const trial = new FaultyLocation(new MemoryLocation({ files: new Map(scene) }), {});
  await using whole = open(trial);
  await repairAll(whole);
  expect(trial.operations).toBeGreaterThan(80);
  const stepsBetween = isSoak ? 1 : Math.ceil(trial.operations / 10);
  for (let stop = 1; stop < trial.operations; stop += stepsBetween) {
    const files = new Map(scene);
    const options = { stopAfterOperations: stop };
    await using repository = open(new FaultyLocation(new MemoryLocation({ files }), options));
    await repairAll(repository).catch(() => {});
    await expectRepaired(files, `stopped after ${stop}`);
  }
});
