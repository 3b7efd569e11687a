import { randomBytes } from 'node:crypto';
import { expect, it } from 'vitest';
import { LifeboatError, type ProgressEvent, Secret } from '../../core/index.ts';
import { initRepository } from '../init-repository.ts';
import type { FileKind, Location } from '../location/location.ts';
import { LocationDecorator } from '../location/location-decorator.ts';
import { MemoryLocation } from '../location/memory-location.ts';
import type { ObjectLock, Retention, StoredVersion } from '../location/object-lock.ts';
import type { Repository } from '../repository.ts';

type Retain = (path: string, retention: Retention) => StoredVersion;

const periodMs = 1_000_000;

/** A memory location whose retention is a function: what the real places answer is injected. */
class Lockable extends LocationDecorator {
  readonly #area: string;
  readonly #retain: Retain;

  constructor(inner: Location, retain: Retain, area = '') {
    super(inner);
    this.#area = area;
    this.#retain = retain;
  }

  override get objectLock(): ObjectLock {
    return {
      promise: { periodMs, mode: 'compliance' },
      place: 'memory',
      untilFor: (now) => new Date(now.getTime() + periodMs * 1.5),
      takeWritten: () => undefined,
      retain: async (kind: FileKind, name, retention) =>
        this.#retain(`${this.#area}${kind}/${name}`, retention),
    };
  }

  override nested(folder: string): Location {
    return new Lockable(this.inner.nested(folder), this.#retain, `${this.#area}${folder}/`);
  }

  protected around(inner: Location): Location {
    return new Lockable(inner, this.#retain, this.#area);
  }
}

async function publish(repository: Repository, seen: ProgressEvent[] = []) {
  await using writer = await repository.startBackup({ progress: (event) => seen.push(event) });
  const { id } = await writer.saveData(randomBytes(5000));
  const node = { name: 'a', type: 'file', mode: 0o644, mtimeNs: 0n, uid: 0, gid: 0 } as const;
  const tree = await writer.saveTree([{ ...node, content: [id], sizeBytes: 5000 }]);
  const about = { time: new Date(), tree, paths: ['/a'], tags: [] };
  return await writer.publishSnapshot({ ...about, filesTotal: 1, bytesTotal: 5000 });
}

const version = { versionId: 'v', sizeBytes: 1 };
const password = new Secret('x');

it('retains each file once while it is retained long enough, and never what lies in locks', async () => {
  const asked: string[] = [];
  const place = new Lockable(new MemoryLocation(), (path, { until }) => {
    asked.push(path);
    return { ...version, retainedUntil: until };
  });
  await using repository = await initRepository({ location: place, password });
  await publish(repository);
  const kinds = new Set(asked.map((path) => path.replace(/\/[0-9a-f]+$/, '')));
  expect(kinds).toEqual(new Set(['config/config', 'keys', 'index', 'data']));
  const first = asked.splice(0);
  await publish(repository);
  // The second one only what is new: two packs, an index, the first snapshot and its record.
  expect(asked.filter((path) => first.includes(path))).toEqual([]);
  expect(asked.some((path) => path.startsWith('snapshots/'))).toBe(true);
  expect(asked.some((path) => path.startsWith('lifeboat/snapshots/'))).toBe(true);
  expect([...first, ...asked].filter((path) => path.includes('locks/'))).toEqual([]);
});

it('retains again what is retained for less than the promise', async () => {
  const asked: string[] = [];
  const place = new Lockable(new MemoryLocation(), (path, { atLeast }) => {
    asked.push(path);
    return { ...version, retainedUntil: new Date(atLeast.getTime() - 1) };
  });
  await using repository = await initRepository({ location: place, password });
  await publish(repository);
  const first = asked.splice(0);
  await publish(repository);
  expect(asked).toEqual(expect.arrayContaining(first));
});

it('publishes nothing that could not be retained', async () => {
  const memory = new MemoryLocation();
  const place = new Lockable(memory, (path, { until }) => {
    if (path.startsWith('data/')) throw new LifeboatError('location.refused', 'no');
    return { ...version, retainedUntil: until };
  });
  await using repository = await initRepository({ location: place, password });
  await expect(publish(repository)).rejects.toMatchObject({ code: 'location.refused' });
  expect(await memory.list('snapshots')).toEqual([]);
});

it('warns of a pack that is missing, and goes on', async () => {
  const place = new Lockable(new MemoryLocation(), (path, { until }) => {
    if (path.startsWith('data/')) throw new LifeboatError('location.file-missing', 'gone');
    return { ...version, retainedUntil: until };
  });
  await using repository = await initRepository({ location: place, password });
  const seen: ProgressEvent[] = [];
  await publish(repository, seen);
  expect(await repository.snapshots()).toHaveLength(1);
  const warnings = seen.filter((event) => event.type === 'warning');
  expect(warnings.map(({ message }) => message)).toEqual(
    Array(2).fill(expect.stringContaining('it is missing')),
  );
});
