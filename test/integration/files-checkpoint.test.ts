import { randomBytes } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { isLifeboatError, Secret, sleep } from '../../src/core/index.ts';
import {
  type FileKind,
  initRepository,
  isCheckpoint,
  LocalLocation,
  openRepository,
  type Repository,
} from '../../src/repository/index.ts';
import { backupFiles } from '../../src/sources/index.ts';
import { temporaryFolder } from '../support/postgres.ts';

const [folders, filesEach, fileBytes] = [75, 8, 500_000];
const password = new Secret('correct horse');
let root: string;

/** Takes its time, and no more packs from the first checkpoint on: the backup lasts until it is interrupted. */
class SlowLocation extends LocalLocation {
  isSlow = true;
  readonly interrupted = Promise.withResolvers<void>();
  #hasCheckpoint = false;
  override async adoptPack(name: string, temporary: string, signal?: AbortSignal) {
    if (this.isSlow) await sleep(300, signal);
    if (this.#hasCheckpoint) await this.interrupted.promise;
    await super.adoptPack(name, temporary, signal);
  }
  override async write(kind: FileKind, name: string, bytes: Uint8Array, signal?: AbortSignal) {
    await super.write(kind, name, bytes, signal);
    this.#hasCheckpoint ||= kind === 'snapshots';
  }
}

beforeAll(() => {
  root = temporaryFolder('checkpoint');
  for (let folder = 0; folder < folders; folder++) {
    const path = join(root, 'source', `folder ${folder}`, 'deep');
    mkdirSync(path, { recursive: true });
    for (let file = 0; file < filesEach; file++) {
      writeFileSync(join(path, `file ${file}`), randomBytes(fileBytes));
    }
  }
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

async function untilCheckpoint(repository: Repository): Promise<void> {
  for (;;) {
    const snapshots = await repository.snapshots();
    expect(snapshots.every(isCheckpoint), 'the backup ended before its first checkpoint').toBe(
      true,
    );
    if (snapshots.length > 0) return;
    await sleep(20);
  }
}

it('an interrupted backup goes on from its checkpoints, which end with it', async () => {
  const location = new SlowLocation(join(root, 'repository'));
  const source = { source: 'test', paths: [join(root, 'source')] };
  await using repository = await initRepository({ location, password });
  const interruption = new AbortController();
  const first = backupFiles({
    ...source,
    repository,
    checkpointEveryMs: 300,
    signal: interruption.signal,
  }).catch((error: unknown) => error);
  await untilCheckpoint(repository);
  interruption.abort();
  location.interrupted.resolve();
  expect(isLifeboatError(await first, 'cancelled')).toBe(true);
  location.isSlow = false;
  expect((await location.list('locks')).length).toBe(0);

  // As after a kill: another process.
  await using again = await openRepository({ location, password });
  const interrupted = await again.snapshots();
  expect(interrupted.every(isCheckpoint)).toBe(true);
  expect((await again.check({ readData: true })).findings).toEqual([]);
  const done = await backupFiles({ ...source, repository: again });
  const allBytes = folders * filesEach * fileBytes;
  expect(done.bytesTotal).toBe(allBytes);
  expect(done.counts.filesUnmodified).toBeGreaterThan(0);
  expect(done.counts.bytesRead).toBe(allBytes - done.counts.filesUnmodified * fileBytes);
  expect((await again.snapshots()).map(({ id }) => id)).toEqual([done.snapshot]);
  const next = await backupFiles({ ...source, repository: again });
  expect(next.counts).toMatchObject({
    filesUnmodified: folders * filesEach,
    bytesRead: 0,
    dirsChanged: 0,
  });
});
