import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { sleep } from '../../src/core/index.ts';
import type { FileInfo, FileKind, Location } from '../../src/repository/index.ts';
import { LocationDecorator } from '../../src/repository/location/location-decorator.ts';
import { MemoryLocation } from '../../src/repository/location/memory-location.ts';
import { encodeLock, ownLock } from '../../src/repository/lock/lock-file.ts';
import { writeStoredJson } from '../../src/repository/stored-file.ts';
import { backupFiles } from '../../src/sources/index.ts';
import { type MemoryRepository, memoryRepository } from '../support/memory-repository.ts';

const folder = mkdtempSync(join(tmpdir(), 'lifeboat-early-'));
mkdirSync(join(folder, 'sub'));
for (let i = 0; i < 200; i++) writeFileSync(join(folder, 'sub', String(i)), `file ${i}\n`);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Watch {
  afterWrite?(kind: FileKind, name: string): Promise<void>;
  afterRead?(kind: FileKind): Promise<void>;
  beforeList?(kind: FileKind): Promise<void>;
  afterRemove?(kind: FileKind): Promise<void>;
}

/** Lets somebody else act at exact moments, and writes down what is done. */
class WatchedLocation extends LocationDecorator {
  readonly done: string[] = [];
  readonly #watch: Watch;

  constructor(inner: Location, watch: Watch) {
    super(inner);
    this.#watch = watch;
  }

  protected around(inner: Location): Location {
    return inner;
  }

  override async write(kind: FileKind, name: string, bytes: Uint8Array): Promise<void> {
    this.done.push(`write ${kind}`);
    await super.write(kind, name, bytes);
    await this.#watch.afterWrite?.(kind, name);
  }

  override async read(...[kind, name, range, signal]: Parameters<Location['read']>) {
    const bytes = await super.read(kind, name, range, signal);
    await this.#watch.afterRead?.(kind);
    return bytes;
  }

  override async list(kind: FileKind): Promise<readonly FileInfo[]> {
    await this.#watch.beforeList?.(kind);
    this.done.push(`list ${kind}`);
    return await super.list(kind);
  }

  override async remove(kind: FileKind, name: string): Promise<void> {
    await super.remove(kind, name);
    await this.#watch.afterRemove?.(kind);
  }
}

function start(memory: MemoryRepository, watch: Watch) {
  const location = new WatchedLocation(new MemoryLocation({ files: memory.files }), watch);
  return { location, repository: memory.open(location) };
}

const filesOf = ({ files }: MemoryRepository, kind: FileKind) =>
  [...files.keys()].filter((each) => each.startsWith(`${kind}/`));

async function backUp(repository: ReturnType<MemoryRepository['open']>) {
  return await backupFiles({ repository, source: 'data', paths: [folder] });
}

async function expectSound(memory: MemoryRepository): Promise<void> {
  await using repository = memory.open();
  const report = await repository.check({ readData: true });
  expect(report.findings.filter(({ severity }) => severity === 'error')).toEqual([]);
  expect(await repository.snapshots()).toHaveLength(1);
  expect(filesOf(memory, 'locks')).toEqual([]);
}

it('writes nothing but its lock until the lock has settled', async () => {
  const memory = await memoryRepository();
  let isWritten = false;
  const { location, repository } = start(memory, {
    async afterWrite(kind) {
      isWritten ||= kind === 'locks';
    },
    async beforeList(kind) {
      // Long enough for all files to be read.
      if (kind === 'locks' && isWritten) await sleep(1500);
    },
  });
  await using _ = repository;
  await backUp(repository);
  const { done } = location;
  const settledAt = done.indexOf('list locks', done.indexOf('write locks'));
  expect(settledAt).toBeGreaterThan(0);
  expect(done.slice(0, settledAt).filter((each) => each.startsWith('write'))).toEqual([
    'write locks',
  ]);
  expect(done.slice(settledAt)).toContain('write data');
  await expectSound(memory);
});

async function writeRival(memory: MemoryRepository): Promise<string> {
  const location = new MemoryLocation({ files: memory.files });
  const { masterKey } = memory;
  const lock = encodeLock({ ...ownLock(true), hostname: 'elsewhere' });
  return await writeStoredJson({ location, masterKey, version: 2 }, 'locks', lock);
}

it('gives way to a rival that locked at the same moment, having written nothing', async () => {
  const memory = await memoryRepository();
  let rival: string | undefined;
  const { location, repository } = start(memory, {
    async afterWrite(kind) {
      if (kind === 'locks') rival ??= await writeRival(memory);
    },
  });
  await using _ = repository;
  await expect(backUp(repository)).rejects.toMatchObject({
    code: 'repository.locked',
    message: expect.stringContaining('elsewhere'),
  });
  expect(location.done.filter((each) => /write (data|index|snapshots)/.test(each))).toEqual([]);
  expect(filesOf(memory, 'locks')).toEqual([`locks/${rival}`]);
});

it('begins anew once such a rival is gone', async () => {
  const memory = await memoryRepository();
  let rival: string | undefined;
  const { repository } = start(memory, {
    async afterWrite(kind) {
      if (kind === 'locks') rival ??= await writeRival(memory);
    },
    async afterRemove(kind) {
      if (kind === 'locks') memory.files.delete(`locks/${rival}`);
    },
  });
  await using _ = repository;
  expect((await backUp(repository)).filesTotal).toBe(200);
  expect(rival).toBeDefined();
  await expectSound(memory);
});

it('begins anew when what it had read was removed while its lock settled', async () => {
  const memory = await memoryRepository();
  {
    await using repository = memory.open();
    await backUp(repository);
  }
  const former = [...memory.files.keys()].filter((each) => /^(data|index|snapshots)/.test(each));
  const removed = Promise.withResolvers<void>();
  const { repository } = start(memory, {
    async afterRead(kind) {
      if (kind !== 'snapshots') return;
      // A prune that looked before our lock was there ends now.
      for (const each of former) memory.files.delete(each);
      removed.resolve();
    },
    async beforeList(kind) {
      const isOurs = filesOf(memory, 'locks').length > 0;
      if (kind === 'locks' && isOurs) await removed.promise;
    },
  });
  await using _ = repository;
  const done = await backUp(repository);
  expect([done.filesTotal, done.parent]).toEqual([200, undefined]);
  await expectSound(memory);
});
