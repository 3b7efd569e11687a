import { spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, type TestContext } from 'vitest';
import { Secret } from '../../src/core/index.ts';
import {
  type BlobId,
  LocalLocation,
  openRepository,
  type Repository,
} from '../../src/repository/index.ts';
import { temporaryFolder } from '../support/postgres.ts';
import { findProgram } from '../support/programs.ts';
import { need } from '../support/skip.ts';

const password = new Secret('pw');
let root: string;
let place: LocalLocation;

beforeEach(() => {
  root = temporaryFolder('rustic');
  place = new LocalLocation(join(root, 'repository'));
});

afterEach(() => rmSync(root, { recursive: true, force: true }));

const environment = () => ({
  ...process.env,
  RUSTIC_REPOSITORY: place.path,
  RUSTIC_PASSWORD: password.reveal(),
  RUSTIC_NO_CACHE: 'true',
  HOME: root,
});

function rustic(program: string, ...args: string[]): string {
  const done = spawnSync(program, args, { env: environment(), encoding: 'utf8' });
  expect(done.status, `rustic ${args.join(' ')}\n${done.stdout}${done.stderr}`).toBe(0);
  return done.stdout + done.stderr;
}

async function contentOf(repository: Repository, tree: BlobId, path: string): Promise<Buffer> {
  const node = await repository.findNode(tree, path);
  const parts: Uint8Array[] = [];
  for await (const bytes of repository.readFileContent(node?.content ?? [])) parts.push(bytes);
  return Buffer.concat(parts);
}

describe('rustic, which takes no locks', () => {
  const program = (context: TestContext) =>
    need(context, findProgram('rustic'), 'no rustic on PATH');

  it('finds nothing wrong in what ours pruned', async (context) => {
    const path = program(context);
    rustic(path, 'init');
    const file = join(root, 'file');
    for (let version = 0; version < 3; version++) {
      writeFileSync(file, Buffer.concat([Buffer.alloc(100_000, 1), randomBytes(2_000_000)]));
      rustic(path, 'backup', file);
    }
    await using repository = await openRepository({ location: place, password });
    const [newest, ...others] = await repository.snapshots();
    for (const { id } of others) await place.remove('snapshots', id);
    const report = await repository.prune({ keepMarkedMs: 0, maxUnused: { bytes: 0 } });
    expect(report.filesRemoved).toBeGreaterThan(0);
    rustic(path, 'check', '--read-data');
    expect((await repository.check({ readData: true })).findings).toEqual([]);
    expect(newest?.tree).toBeDefined();
  });

  it('loses nothing when ours prunes in the middle of its backup', async (context) => {
    const path = program(context);
    rustic(path, 'init');
    const bytes = randomBytes(3_000_000);
    const file = join(root, 'file');
    writeFileSync(file, bytes);
    rustic(path, 'backup', file);
    await using repository = await openRepository({ location: place, password });
    for (const { id } of await repository.snapshots()) await place.remove('snapshots', id);

    // It has read the index, and waits for its input: the bytes that nobody needs at this moment.
    const child = spawn(path, ['backup', '-', '--stdin-filename', 'stdin'], {
      env: environment(),
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text;
      });
    }
    const ended = new Promise((resolve) => child.once('close', resolve));
    child.stdin.write(bytes.subarray(0, 1_500_000));
    // It says so once the index is read.
    while (!output.includes('starting to backup')) {
      expect(child.exitCode, output).toBe(null);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    const pruned = await repository.prune();
    expect(pruned.packsUnneeded).toBeGreaterThan(0);
    child.stdin.end(bytes.subarray(1_500_000));
    expect(await ended, output).toBe(0);

    // Its snapshot refers to what is in no index: the next prune puts that back, even when it removes at once.
    expect((await repository.prune({ keepMarkedMs: 0 })).packsRecovered).toBeGreaterThan(0);
    expect((await repository.check({ readData: true })).findings).toEqual([]);
    const [snapshot] = await repository.snapshots();
    const found = await contentOf(repository, snapshot?.tree as BlobId, 'stdin');
    expect(Buffer.compare(found, bytes)).toBe(0);
    rustic(path, 'check', '--read-data');
  });
});
