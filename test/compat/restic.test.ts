import { execFile, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it, type TestContext } from 'vitest';
import { isLifeboatError, Secret } from '../../src/core/index.ts';
import {
  type BlobId,
  initRepository,
  LocalLocation,
  openRepository,
  type Repository,
} from '../../src/repository/index.ts';
import { findProgram } from '../support/programs.ts';
import { need } from '../support/skip.ts';
import { describeFolder, makeOddFolder } from './odd-folder.ts';
import { storeFolder } from './store-folder.ts';

const password = new Secret('geheim <&> 🛟');
let root: string;
let folder: string;
let place: LocalLocation;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'lifeboat-compat-'));
  folder = join(root, 'source');
  mkdirSync(folder);
  makeOddFolder(folder);
  place = new LocalLocation(join(root, 'repository'));
});

afterEach(() => rmSync(root, { recursive: true, force: true }));

const environment = () => ({
  ...process.env,
  RESTIC_PASSWORD: password.reveal(),
  RESTIC_REPOSITORY: place.path,
  RESTIC_CACHE_DIR: join(root, 'cache'),
});

/** Runs restic and gives its output; anything but exit code 0 fails the test. */
function restic(program: string, ...args: string[]): string {
  const done = spawnSync(program, args, { env: environment(), encoding: 'utf8' });
  expect(done.status, `restic ${args.join(' ')}\n${done.stdout}${done.stderr}`).toBe(0);
  return done.stdout + done.stderr;
}

async function ourRepository(): Promise<Repository> {
  return await initRepository({ location: place, password });
}

async function contentHash(repository: Repository, content: readonly BlobId[]): Promise<string> {
  const hash = createHash('sha256');
  for await (const bytes of repository.readFileContent(content)) hash.update(bytes);
  return hash.digest('hex');
}

/** The lines of `describeFolder`, for a stored tree. */
async function describeTree(repository: Repository, tree: BlobId, prefix = ''): Promise<string[]> {
  const lines: string[] = [];
  const typeBits = { dir: 0o40000, file: 0o100000 } as const;
  for (const node of await repository.readTree(tree)) {
    const name = prefix + node.name;
    if (node.type === 'symlink') {
      lines.push(`${name} -> ${node.linkTarget}`);
      continue;
    }
    const mode = (typeBits[node.type as 'dir' | 'file'] | node.mode).toString(8);
    const facts = `${name} ${mode} ${node.mtimeNs}`;
    if (node.subtree !== undefined) {
      lines.push(facts, ...(await describeTree(repository, node.subtree, `${name}/`)));
    } else lines.push(`${facts} ${await contentHash(repository, node.content ?? [])}`);
  }
  return lines;
}

describe.each(['restic', 'restic-0.19'])('%s', (name) => {
  const program = (context: TestContext) => need(context, findProgram(name), `no ${name} on PATH`);

  it('finds nothing wrong in a repository we wrote, and restores it byte for byte', async (context) => {
    const path = program(context);
    await using repository = await ourRepository();
    const id = await storeFolder(repository, folder, ['source=odd']);
    expect(restic(path, 'check', '--read-data')).toContain('no errors were found');
    expect(restic(path, 'snapshots')).toContain(id.slice(0, 8));
    expect(restic(path, 'ls', 'latest')).toContain('emoji 🛟');
    restic(path, 'restore', 'latest', '--target', join(root, 'restored'));
    expect(describeFolder(join(root, 'restored', folder))).toEqual(describeFolder(folder));
    expect((await repository.check({ readData: true })).findings).toEqual([]);
  });

  it('writes a repository that ours opens, lists, reads and checks', async (context) => {
    const path = program(context);
    restic(path, 'init');
    restic(path, 'backup', folder, '--tag', 'one');
    restic(path, 'backup', folder, '--tag', 'two');
    await using repository = await openRepository({ location: place, password });
    const snapshots = await repository.snapshots();
    expect(snapshots.map(({ tags }) => tags)).toEqual([['two'], ['one']]);
    const node = await repository.findNode(snapshots[0]?.tree as BlobId, folder);
    expect(await describeTree(repository, node?.subtree as BlobId)).toEqual(describeFolder(folder));
    const report = await repository.check({ readData: true });
    expect(report.findings).toEqual([]);
    expect(report.snapshots).toBe(2);
  });

  it('goes on in a repository we wrote, and we in its', async (context) => {
    const path = program(context);
    await using repository = await ourRepository();
    await storeFolder(repository, folder);
    restic(path, 'backup', folder);
    await storeFolder(repository, folder);
    restic(path, 'forget', '--keep-last', '1', '--group-by', '', '--prune');
    expect(restic(path, 'check', '--read-data')).toContain('no errors were found');
    expect((await repository.check({ readData: true })).findings).toEqual([]);
    await storeFolder(repository, folder);
    expect(restic(path, 'check', '--read-data')).toContain('no errors were found');
  });

  it('refuses to prune while we back up', async (context) => {
    const path = program(context);
    await using repository = await ourRepository();
    const writer = await repository.startBackup();
    const prune = () => spawnSync(path, ['prune'], { env: environment(), encoding: 'utf8' });
    const refused = prune();
    expect(refused.status).not.toBe(0);
    expect(refused.stderr).toContain('already locked');
    await writer[Symbol.asyncDispose]();
    expect(prune().status).toBe(0);
  });

  it('makes us wait while it holds an exclusive lock', async (context) => {
    const path = program(context);
    await using repository = await ourRepository();
    await storeFolder(repository, folder);
    const locked = Promise.withResolvers<unknown>();
    // restic holds its exclusive lock for some seconds while its check reads slowly.
    const check = promisify(execFile)(path, ['check', '--read-data', '--limit-download', '600'], {
      env: environment(),
    });
    while ((await place.list('locks')).length === 0)
      await new Promise((done) => setTimeout(done, 20));
    repository.startBackup().then(() => locked.resolve('no lock was honoured'), locked.resolve);
    expect(isLifeboatError(await locked.promise, 'repository.locked')).toBe(true);
    await check;
    await storeFolder(repository, folder);
  });
});

describe('restic-0.19', () => {
  it('finds our trees canonical: rewrite and prune have nothing to complain about', async (context) => {
    const path = need(context, findProgram('restic-0.19'), 'no restic-0.19 on PATH');
    await using repository = await ourRepository();
    await storeFolder(repository, folder);
    restic(path, 'rewrite', '--dry-run', '--exclude', 'plain.txt');
    expect(restic(path, 'prune', '--dry-run')).toContain('unused');
    restic(path, 'rewrite', '--forget', '--exclude', 'plain.txt');
    restic(path, 'prune', '--max-unused', '0');
    expect(restic(path, 'check', '--read-data')).toContain('no errors were found');
    const [snapshot] = await repository.snapshots();
    expect(
      await repository.findNode(snapshot?.tree as BlobId, `${folder}/plain.txt`),
    ).toBeUndefined();
    const kept = await repository.findNode(
      snapshot?.tree as BlobId,
      `${folder}/deep/deeper/random`,
    );
    const bytes = readFileSync(join(folder, 'deep', 'deeper', 'random'));
    expect(await contentHash(repository, kept?.content ?? [])).toBe(
      createHash('sha256').update(bytes).digest('hex'),
    );
  });

  it('makes trees that we encode to the same bytes', async (context) => {
    const path = need(context, findProgram('restic-0.19'), 'no restic-0.19 on PATH');
    restic(path, 'init');
    spawnSync(path, ['backup', folder], { env: { ...environment(), TZ: 'UTC' } });
    await using repository = await openRepository({ location: place, password });
    const [snapshot] = await repository.snapshots();
    const node = await repository.findNode(snapshot?.tree as BlobId, folder);
    const id = node?.subtree as BlobId;
    const bytes = Buffer.from(await repository.readBlob('tree', id));
    await using writer = await repository.startBackup();
    // Saved again from its decoded form, the tree gets the same id only if every byte is the same.
    expect(bytes.toString()).toContain('emoji');
    expect(await writer.saveTree(await repository.readTree(id))).toBe(id);
  });
});
