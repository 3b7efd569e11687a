import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { storeFiles } from '../../../test/support/stored-files.ts';
import { type ProgressEvent, Secret } from '../../core/index.ts';
import { initRepository } from '../init-repository.ts';
import { MemoryLocation } from '../location/memory-location.ts';
import { openRepository } from '../open-repository.ts';
import type { Repository } from '../repository.ts';
import { sha256 } from '../stored-file.ts';

const password = new Secret('pw');
const hourMs = 60 * 60_000;
const segmentBytes = 1000;
let files: Map<string, Uint8Array>;
let location: MemoryLocation;
let repository: Repository;
const segments = Array.from({ length: 10 }, () => new Uint8Array(randomBytes(segmentBytes)));
const stream = '00000001';

beforeEach(async () => {
  files = new Map();
  location = new MemoryLocation({ files });
  repository = await initRepository({ location, password });
  const log = repository.log('database');
  for (const [number, bytes] of segments.entries()) {
    await log.appendSegment(stream, BigInt(number * segmentBytes), bytes);
  }
  await log.appendFile('00000002.history', Buffer.from('1\t0/1\n'));
  await storeFiles(repository, { one: randomBytes(1000) }, ['kind:postgres', 'source:database']);
});

afterEach(async () => {
  vi.useRealTimers();
  await repository[Symbol.asyncDispose]();
});

const dataFiles = () => [...files.keys()].filter((path) => path.startsWith('lifeboat/data/'));
const from = (position: number) => ({
  logsNeeded: async () => new Map([['database', BigInt(position)]]),
});
const later = (hours: number) => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + hours * hourMs });
};

async function expectFrom(position: number): Promise<void> {
  await using reopened = await openRepository({ location, password });
  const report = await reopened.check({ readData: true });
  expect(report.findings.filter(({ severity }) => severity === 'error')).toEqual([]);
  const log = reopened.log('database');
  const end = BigInt(segments.length * segmentBytes);
  expect(await log.coverage()).toEqual([{ stream, start: BigInt(position), end }]);
  const bytes = await log.read(stream, BigInt(position), end);
  expect(Buffer.compare(bytes, Buffer.concat(segments).subarray(position))).toBe(0);
  expect(await log.fileNames()).toEqual(['00000002.history']);
}

describe('prune of logs', () => {
  it('leaves a log whole of which nobody said what is needed', async () => {
    await repository.prune({ keepMarkedMs: 0 });
    later(30);
    const report = await repository.prune({ keepMarkedMs: 0 });
    expect(report).toMatchObject({ logSegmentsDropped: 0, filesRemoved: 0, filesMarked: 0 });
    expect(dataFiles()).toHaveLength(11);
    await expectFrom(0);
  });

  it('gives up segments that end before what is needed, and removes them a day later', async () => {
    expect(await repository.prune({ ...from(3500), dryRun: true })).toMatchObject({
      logSegmentsDropped: 3,
    });
    await expectFrom(0);
    expect(await repository.prune(from(3500))).toMatchObject({
      logSegmentsDropped: 3,
      filesMarked: 3,
    });
    expect(dataFiles()).toHaveLength(11);
    await expectFrom(3000);
    expect(await repository.prune({ keepMarkedMs: 0 })).toMatchObject({ filesRemoved: 0 });
    later(24);
    expect(await repository.prune()).toMatchObject({ filesRemoved: 3, logSegmentsDropped: 0 });
    expect(dataFiles()).toHaveLength(8);
    await expectFrom(3000);
  });

  it('gives up of each stream what is not needed of that', async () => {
    const log = repository.log('database');
    for (const at of [0, 1000]) {
      await log.appendSegment('00000002', BigInt(at), new Uint8Array(randomBytes(segmentBytes)));
    }
    const perStream = new Map([[stream, 5000n]]);
    const logsNeeded = async () => new Map([['database', perStream]]);
    expect(await repository.prune({ logsNeeded })).toMatchObject({ logSegmentsDropped: 5 });
    await using reopened = await openRepository({ location, password });
    expect((await reopened.log('database').coverage()).map(({ start }) => start)).toEqual([
      5000n,
      0n,
    ]);
  });

  it('never takes a segment of which a single byte is needed', async () => {
    await repository.prune(from(2999));
    later(24);
    await repository.prune(from(2999));
    await expectFrom(2000);
  });

  it('holds although another process consolidates what it knew before', async () => {
    await using other = await openRepository({ location, password });
    const log = other.log('database');
    await log.coverage();
    await repository.prune(from(5000));
    later(24);
    await repository.prune();
    // Its memory still has the entries of what is gone.
    const more = Array.from({ length: 70 }, () => new Uint8Array(randomBytes(10)));
    for (const [number, bytes] of more.entries()) {
      await log.appendSegment('00000002', BigInt(20_000 + number * 10), bytes);
    }
    await using reopened = await openRepository({ location, password });
    const report = await reopened.check({ readData: true });
    expect(report.findings.filter(({ severity }) => severity === 'error')).toEqual([]);
    expect((await reopened.log('database').coverage()).map(({ start }) => start)).toEqual([
      5000n,
      20_000n,
    ]);
  });

  it('lets a stream begin anew before the floor of another', async () => {
    await repository.prune(from(5000));
    const bytes = new Uint8Array(randomBytes(500));
    await repository.log('database').appendSegment('00000002', 2000n, bytes);
    await using reopened = await openRepository({ location, password });
    expect(await reopened.log('database').read('00000002', 2000n, 2500n)).toEqual(bytes);
    // Below its own floor nothing is stored again.
    const before = dataFiles().length;
    await reopened.log('database').appendSegment(stream, 0n, segments[0] as Uint8Array);
    expect(dataFiles()).toHaveLength(before);
  });

  it('removes files that no manifest names only when they stay so', async () => {
    // As after a crash between a segment and its manifest.
    const locks = new Map([...files].filter(([path]) => path.startsWith('lifeboat/locks/')));
    await repository.log('other').appendSegment(stream, 0n, new Uint8Array(500));
    for (const path of files.keys()) {
      if (path.startsWith('lifeboat/locks/') && !locks.has(path)) files.delete(path);
    }
    // What it does not know is not its own.
    const stranger = randomBytes(200);
    files.set(`lifeboat/data/${sha256(stranger)}`, stranger);
    expect(await repository.prune({ keepMarkedMs: 0 })).toMatchObject({
      filesMarked: 1,
      filesRemoved: 0,
    });
    later(2);
    expect(await repository.prune({ keepMarkedMs: 0 })).toMatchObject({ filesRemoved: 1 });
    expect(files.has(`lifeboat/data/${sha256(stranger)}`)).toBe(true);
    await expectFrom(0);
  });

  it('touches nothing of the logs while a manifest cannot be read', async () => {
    const [manifest] = [...files.keys()].filter((path) => path.startsWith('lifeboat/locks/'));
    const bytes = (files.get(manifest as string) as Uint8Array).slice();
    bytes[30] = (bytes[30] as number) ^ 1;
    files.set(manifest as string, bytes);
    const warnings: string[] = [];
    const progress = (event: ProgressEvent) => {
      if (event.type === 'warning') warnings.push(event.message);
    };
    expect(await repository.prune({ ...from(5000), progress })).toMatchObject({
      logSegmentsDropped: 0,
      filesMarked: 0,
    });
    expect(warnings).toContainEqual(expect.stringContaining('damaged'));
    expect(dataFiles()).toHaveLength(11);
  });
});

describe('what stock tools leave behind', () => {
  it('is named by check: a log without its base', async () => {
    for (const { id } of await repository.snapshots()) await location.remove('snapshots', id);
    expect((await repository.check()).findings).toMatchObject([
      {
        kind: 'log',
        name: 'database',
        severity: 'hint',
        problem: expect.stringContaining('no snapshot'),
      },
    ]);
  });

  it('is named by check: a copy without its log', async () => {
    expect((await repository.check()).findings).toEqual([]);
    for (const path of files.keys()) if (path.startsWith('lifeboat/')) files.delete(path);
    // No log, and no sign that there ever was one: base backups alone are nothing unusual.
    expect((await repository.check()).findings).toEqual([]);
  });
});
