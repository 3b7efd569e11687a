import { randomBytes } from 'node:crypto';
import { expect } from 'vitest';
import { LifeboatError } from '../../src/core/index.ts';
import { keyFromBytes } from '../../src/repository/crypto/key-derivation.ts';
import { randomIrreduciblePolynomial } from '../../src/repository/format/irreducible-polynomial.ts';
import {
  type BlobId,
  type Location,
  MemoryLocation,
  type Repository,
  type SnapshotId,
} from '../../src/repository/index.ts';
import { ResticRepository } from '../../src/repository/restic-repository.ts';
import { noSnapshots } from '../support/no-snapshots.ts';
import { type Effect, StepFault } from './step-fault.ts';

/** What makes a repository this one and no other. */
export function newIdentity() {
  const id = randomBytes(32).toString('hex');
  const chunkerPolynomial = randomIrreduciblePolynomial();
  const masterKey = keyFromBytes(randomBytes(64));
  return { masterKey, config: { version: 2, id, chunkerPolynomial } as const };
}

const identity = newIdentity();

/** A snapshot somebody was told of, and the bytes it must give back. */
export interface Promised {
  readonly id: SnapshotId;
  readonly bytes: Buffer;
}

export interface Scenario {
  /** Makes what is there before, without faults. */
  prepare(repository: Repository): Promise<readonly Promised[]>;
  /**
   * The operation under test. What it acknowledges goes into `promised`; what it was asked to forget it takes out before it
   * begins, since that may be there or not.
   */
  operate(repository: Repository, promised: Promised[]): Promise<void>;
}

/**
 * Runs the operation once for each call it makes to the location, that call going wrong in the given way and everything after it
 * working again; then the same with everything after it failing, as when the network goes away. Each time the repository must
 * check clean to the last byte, hold every promised snapshot, and let the operation succeed when it is run again. In CI every
 * tenth call, beginning at random; all of them in the soak. Resolves with the number of calls.
 */
export async function failAtEveryStep(scenario: Scenario, effect: Effect): Promise<number> {
  const files = noSnapshots(identity.masterKey);
  const before = await scenario.prepare(open(new MemoryLocation({ files })));
  const stride = process.env.LIFEBOAT_SOAK === '1' ? 1 : 10;
  for (let step = 1 + Math.floor(Math.random() * stride); ; step += stride) {
    for (const staysBroken of [false, true]) {
      const inner = new MemoryLocation({ files: new Map(files) });
      const location = new StepFault(inner, { step, effect, staysBroken });
      const promised = [...before];
      if (!(await failAt(scenario, location, inner, promised))) return step - 1;
    }
  }
}

/** False when the operation ended before that step. */
async function failAt(
  scenario: Scenario,
  location: StepFault,
  inner: MemoryLocation,
  promised: Promised[],
): Promise<boolean> {
  {
    await using repository = open(location);
    location.arm();
    const error = await scenario.operate(repository, promised).catch((thrown: unknown) => thrown);
    if (error !== undefined) expect(error).toBeInstanceOf(LifeboatError);
  }
  location.disarm();
  await removeLocks(inner);
  await using repository = open(inner);
  await expectWhole(repository, promised, location.halves);
  if (!location.hasFired) return false;
  await scenario.operate(repository, promised);
  await expectWhole(repository, promised, location.halves);
  return true;
}

/** Without a password, whose derivation would take most of the time. */
export function open(location: Location, which = identity): Repository {
  return new ResticRepository({ location, ...which });
}

/** Locks of an operation that could not remove them: another host removes them once they are stale. */
async function removeLocks(location: Location): Promise<void> {
  for (const { name } of await location.list('locks')) await location.remove('locks', name);
}

/** Of a file that was left half written, `check` must say so; nothing else may be wrong. */
async function expectWhole(
  repository: Repository,
  promised: readonly Promised[],
  halves: readonly string[],
): Promise<void> {
  const { findings } = await repository.check({ readData: true });
  const others = findings.filter(
    ({ severity, name }) => severity === 'error' && !halves.some((half) => name.includes(half)),
  );
  expect(others).toEqual([]);
  for (const { id, bytes } of promised) {
    const snapshot = await repository.findSnapshot(id);
    const [node] = await repository.readTree(snapshot.tree);
    const pieces: Uint8Array[] = [];
    for await (const piece of repository.readFileContent(node?.content ?? [])) pieces.push(piece);
    expect(Buffer.concat(pieces).equals(bytes)).toBe(true);
  }
}

/** A snapshot of one file with these contents, each a blob. */
export async function backUp(
  repository: Repository,
  contents: readonly Buffer[],
  time = new Date(),
): Promise<Promised> {
  await using writer = await repository.startBackup();
  const saves = contents.map((bytes) => writer.saveData(new Uint8Array(bytes)));
  const content: BlobId[] = (await Promise.all(saves)).map(({ id }) => id);
  const bytes = Buffer.concat(contents);
  const file = { name: 'f', type: 'file', mode: 0o644, mtimeNs: 1n, uid: 0, gid: 0 } as const;
  const tree = await writer.saveTree([{ ...file, sizeBytes: bytes.length, content }]);
  const totals = { filesTotal: 1, bytesTotal: bytes.length };
  const id = await writer.publishSnapshot({ time, tree, paths: ['/f'], tags: [], ...totals });
  return { id, bytes };
}
