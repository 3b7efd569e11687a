import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Secret } from '../../core/index.ts';
import { initRepository } from '../init-repository.ts';
import type { FileKind } from '../location/location.ts';
import { MemoryLocation } from '../location/memory-location.ts';
import { openRepository } from '../open-repository.ts';
import type { BlobId, CheckReport, Repository, SnapshotId } from '../repository.ts';
import { sha256 } from '../stored-file.ts';

const password = new Secret('pw');
let files: Map<string, Uint8Array>;
let repository: Repository;
let first: SnapshotId;
let second: SnapshotId;

/** Two snapshots in packs of their own: /kept in both, /early in the first, /late in the second. */
beforeEach(async () => {
  files = new Map();
  repository = await initRepository({ location: new MemoryLocation({ files }), password });
  const kept = randomBytes(200_000);
  first = await store({ kept, early: randomBytes(100_000) });
  second = await store({ kept, late: randomBytes(100_000) });
});

afterEach(() => repository[Symbol.asyncDispose]());

async function store(contents: Record<string, Uint8Array>): Promise<SnapshotId> {
  await using writer = await repository.startBackup();
  const nodes = [];
  for (const [name, bytes] of Object.entries(contents)) {
    const { id } = await writer.saveData(new Uint8Array(bytes));
    nodes.push({
      name,
      type: 'file' as const,
      mode: 0o644,
      mtimeNs: 1n,
      uid: 0,
      gid: 0,
      content: [id],
    });
  }
  const subtree = await writer.saveTree(nodes);
  const folder = { name: 'folder', type: 'dir' as const, mode: 0o755, mtimeNs: 1n, uid: 0, gid: 0 };
  const tree = await writer.saveTree([{ ...folder, subtree }]);
  return await writer.publishSnapshot({
    time,
    tree,
    paths: ['/folder'],
    tags: [],
    filesTotal: 2,
    bytesTotal: 300_000,
  });
}

async function drain(pieces: AsyncIterable<Uint8Array>): Promise<number> {
  let bytes = 0;
  for await (const piece of pieces) bytes += piece.length;
  return bytes;
}

function pathsOf(kind: FileKind): string[] {
  return [...files.keys()].filter((path) => path.startsWith(`${kind}/`));
}

const check = (readData = true) => repository.check({ readData });
const errors = (report: CheckReport) =>
  report.findings.filter(({ severity }) => severity === 'error');
const time = new Date('2026-11-21T10:20:30.456Z');
const about = (id: SnapshotId) =>
  `snapshot ${id.slice(0, 8)} (/folder of 2026-11-21 10:20:30 UTC):`;
const affected = (report: CheckReport) => errors(report).flatMap(({ affects }) => affects);
const name = (path: string) => path.slice(path.lastIndexOf('/') + 1);

/** The pack that holds a blob, found by taking packs away one by one. */
async function packOf(path: string): Promise<string> {
  for (const pack of pathsOf('data')) {
    const bytes = files.get(pack) as Uint8Array;
    files.delete(pack);
    const report = await check(false);
    files.set(pack, bytes);
    if (affected(report).some((each) => each.endsWith(path))) return pack;
  }
  throw new Error(`no pack affects ${path}`);
}

describe('check', () => {
  it('finds nothing in a sound repository', async () => {
    expect(await check()).toMatchObject({ findings: [], packs: 4, blobs: 7, snapshots: 2 });
  });

  it('names every file that is missing, and what it affects', async () => {
    for (const path of [...pathsOf('data'), ...pathsOf('index')]) {
      const bytes = files.get(path) as Uint8Array;
      files.delete(path);
      const report = await check(false);
      expect(errors(report).length, path).toBeGreaterThan(0);
      expect(affected(report).length, path).toBeGreaterThan(0);
      if (path.startsWith('data/')) {
        expect(errors(report)).toMatchObject([
          { kind: 'pack', name: name(path), problem: 'missing' },
        ]);
      }
      files.set(path, bytes);
    }
  });

  it('names every file in which any byte changed', async () => {
    const kinds = { data: 'pack', index: 'index', snapshots: 'snapshot', keys: 'key' } as const;
    for (const [folder, kind] of Object.entries(kinds)) {
      for (const path of pathsOf(folder as FileKind)) {
        const bytes = files.get(path) as Uint8Array;
        for (const at of [20, bytes.length >> 1, bytes.length - 1]) {
          const changed = bytes.slice();
          changed[at] = (changed[at] as number) ^ 0x10;
          files.set(path, changed);
          const found = errors(await check()).find((finding) => finding.name === name(path));
          expect(found, `${path} at ${at}`).toMatchObject({ kind });
        }
        files.set(path, bytes);
      }
    }
  });

  it('names every file that was cut short or emptied, without reading data', async () => {
    for (const path of [...pathsOf('data'), ...pathsOf('index'), ...pathsOf('snapshots')]) {
      const bytes = files.get(path) as Uint8Array;
      for (const length of [bytes.length - 1, 10, 0]) {
        files.set(path, bytes.slice(0, length));
        const names = errors(await check(false)).map((finding) => finding.name);
        expect(names, `${path} cut to ${length}`).toContain(name(path));
      }
      files.set(path, bytes);
    }
  });

  it('finds two files of one kind that were swapped', async () => {
    for (const kind of ['data', 'index', 'snapshots'] as const) {
      const [one, other] = pathsOf(kind) as [string, string];
      const [oneBytes, otherBytes] = [files.get(one), files.get(other)] as [Uint8Array, Uint8Array];
      files.set(one, otherBytes).set(other, oneBytes);
      const names = errors(await check()).map((finding) => finding.name);
      expect(names).toEqual(expect.arrayContaining([name(one), name(other)]));
      files.set(one, oneBytes).set(other, otherBytes);
    }
  });

  it('names exactly the paths that damaged bytes affect', async () => {
    const pack = await packOf('/folder/late');
    const bytes = (files.get(pack) as Uint8Array).slice();
    bytes[1000] = (bytes[1000] as number) ^ 1;
    files.set(pack, bytes);
    const report = await check();
    expect(affected(report)).toEqual([`${about(second)} /folder/late`]);
    expect(report.findings[0]?.problem).toContain('1 of its blobs cannot be read');
  });

  it('names both snapshots where they share what is lost', async () => {
    files.delete(await packOf('/folder/kept'));
    expect(affected(await check(false)).sort()).toEqual(
      [
        `${about(first)} /folder/early`,
        `${about(first)} /folder/kept`,
        `${about(second)} /folder/kept`,
      ].sort(),
    );
  });

  it('calls a pack that no index names a hint, never an error', async () => {
    const bytes = randomBytes(500);
    files.set(`data/${sha256(bytes)}`, bytes);
    expect((await check()).findings).toMatchObject([{ kind: 'pack', severity: 'hint' }]);
  });
});

describe('normal reads of a damaged repository', () => {
  const reopened = () => openRepository({ location: new MemoryLocation({ files }), password });

  it('name the damaged file', async () => {
    const pack = await packOf('/folder/late');
    const snapshot = `snapshots/${second}`;
    const node = await repository.findNode(
      (await repository.findSnapshot(second)).tree,
      'folder/late',
    );
    const content = node?.content as BlobId[];
    const cases: [string, (broken: Repository) => Promise<unknown>][] = [
      [pack, (broken) => broken.readBlob('data', content[0] as BlobId)],
      [pack, (broken) => drain(broken.readFileContent(content))],
      [snapshot, (broken) => broken.findSnapshot(second)],
      [snapshot, (broken) => broken.snapshots()],
    ];
    for (const [path, read] of cases) {
      const bytes = files.get(path) as Uint8Array;
      const changed = bytes.slice();
      changed[50] = (changed[50] as number) ^ 1;
      files.set(path, changed);
      await using broken = await reopened();
      const message = expect.stringContaining(name(path));
      await expect(read(broken), path).rejects.toMatchObject({
        code: 'repository.damaged',
        message,
      });
      files.set(path, bytes);
    }
  });

  it('do without an index file that is damaged, and name it when it is needed', async () => {
    const { tree } = await repository.findSnapshot(second);
    const { tree: sound } = await repository.findSnapshot(first);
    const outcomes = [];
    for (const index of pathsOf('index')) {
      const bytes = files.get(index) as Uint8Array;
      files.set(index, randomBytes(300));
      await using broken = await reopened();
      for (const each of [tree, sound]) {
        const outcome = await broken.readTree(each).then(
          () => 'read',
          (error) => error,
        );
        outcomes.push(outcome);
        if (outcome === 'read') continue;
        expect(outcome).toMatchObject({
          code: 'repository.blob-missing',
          message: expect.stringContaining(name(index)),
          hint: expect.stringContaining('lifeboat repair index'),
        });
      }
      files.set(index, bytes);
    }
    expect(outcomes).toHaveLength(4);
    expect(outcomes.filter((each) => each === 'read')).toHaveLength(2);
  });

  it('list the other snapshots when somebody listens to warnings', async () => {
    files.set(`snapshots/${second}`, randomBytes(300));
    await using broken = await reopened();
    const warnings: string[] = [];
    const snapshots = await broken.snapshots({
      progress: (event) => void (event.type === 'warning' && warnings.push(event.message)),
    });
    expect(snapshots.map(({ id }) => id)).toEqual([first]);
    expect(warnings).toEqual([expect.stringContaining(second)]);
  });
});
