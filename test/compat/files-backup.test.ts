import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  linkSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, type TestContext } from 'vitest';
import { Secret } from '../../src/core/index.ts';
import {
  type BlobId,
  initRepository,
  LocalLocation,
  type Repository,
} from '../../src/repository/index.ts';
import { makeNode, setXattr } from '../../src/sources/files/system/index.ts';
import { backupFiles } from '../../src/sources/index.ts';
import { temporaryFolder } from '../support/postgres.ts';
import { findProgram } from '../support/programs.ts';
import { need } from '../support/skip.ts';
import { describeFolder, makeOddFolder } from './odd-folder.ts';

const password = 'correct horse';
let root: string;
let folder: string;
let place: LocalLocation;
let repository: Repository;

beforeEach(async () => {
  root = temporaryFolder('files-compat');
  folder = join(root, 'source');
  mkdirSync(folder);
  makeOddFolder(folder);
  place = new LocalLocation(join(root, 'repository'));
  repository = await initRepository({ location: place, password: new Secret(password) });
});

afterEach(async () => {
  await repository[Symbol.asyncDispose]();
  rmSync(root, { recursive: true, force: true });
});

function restic(program: string, repositoryFolder: string, ...args: string[]): string {
  const env = {
    ...process.env,
    RESTIC_PASSWORD: password,
    RESTIC_CACHE_DIR: join(root, 'cache'),
    TZ: 'UTC',
  };
  const done = spawnSync(program, ['-r', repositoryFolder, ...args], { env, encoding: 'utf8' });
  expect(done.status, `restic ${args.join(' ')}\n${done.stdout}${done.stderr}`).toBe(0);
  return done.stdout;
}

/** Everything that a file system can hold, beside the names of `makeOddFolder`. */
function addOddEntries(): void {
  const path = (name: string) => join(folder, name);
  linkSync(path('plain.txt'), path('hard link'));
  symlinkSync(Buffer.from([0x74, 0xff]), path('link to no UTF-8'));
  writeFileSync(path('sparse'), 'begin');
  truncateSync(path('sparse'), 20_000_000);
  appendFileSync(path('sparse'), 'end');
  writeFileSync(path('attributed'), 'x');
  try {
    setXattr(Buffer.from(path('attributed')), 'user.lifeboat', Buffer.from([0, 255, 1]));
  } catch {}
  makeNode(Buffer.from(path('fifo')), 'fifo', 0o640);
  if (process.getuid?.() === 0) {
    makeNode(Buffer.from(path('null')), 'chardev', 0o666, 0x103n);
    makeNode(Buffer.from(path('loop')), 'dev', 0o660, 0x700n);
  }
  chmodSync(path('deep'), 0o3771);
}

/** The trees of the folder and of all in it, byte for byte, from a stock restic. */
function treeTexts(program: string, repositoryFolder: string): string[] {
  const lines = restic(program, repositoryFolder, 'ls', '--json', 'latest').split('\n');
  const root = JSON.parse(lines[0] as string).tree as BlobId;
  const texts: string[] = [];
  const visit = (id: string) => {
    const text = restic(program, repositoryFolder, 'cat', 'blob', id);
    texts.push(text);
    for (const node of JSON.parse(text).nodes) if (node.subtree) visit(node.subtree);
  };
  visit(root);
  return texts;
}

const programs = ['restic', 'restic-0.19'] as const;

function needRestic(context: TestContext, name: string): string {
  return need(context, findProgram(name), `${name} is not on PATH`);
}

describe('a backup of files', () => {
  it('makes the trees that restic makes of the same folder', async (context) => {
    const program = needRestic(context, 'restic-0.19');
    addOddEntries();
    const stock = join(root, 'stock');
    restic(program, stock, 'init');
    restic(program, stock, 'backup', '--quiet', folder);
    const summary = await backupFiles({ repository, source: 'odd', paths: [folder] });
    expect(summary.warnings).toEqual([]);
    // Which blobs a file consists of is each program's own business, unless it is one: restic's polynomial is any, so that a
    // large file may be one blob or several.
    const comparable = (text: string) =>
      text
        .replace(/("size":\d{6,}[^}]*"content":)\[[^\]]*\]/g, '$1[...]')
        .replace(/"subtree":"\w+"/g, '')
        .replace(/"name":"(lifeboat-[^"]*|tmp)"[^}]*/g, '$1');
    const ours = treeTexts(program, place.path).map(comparable);
    expect(ours).toEqual(treeTexts(program, stock).map(comparable));
  });

  it.for(programs)('is checked, restored and continued by %s', async (name, context) => {
    const program = needRestic(context, name);
    addOddEntries();
    await backupFiles({ repository, source: 'odd', paths: [folder] });
    restic(program, place.path, 'check', '--read-data');
    const target = join(root, 'restored');
    restic(program, place.path, 'restore', 'latest', '--target', target);
    expect(describeFolder(join(target, folder))).toEqual(describeFolder(folder));
    restic(program, place.path, 'backup', folder);
    const [newest] = await repository.snapshots();
    const text = restic(program, place.path, 'cat', 'snapshot', newest?.id as string);
    const { parent } = JSON.parse(text);
    expect(parent).toMatch(/^[0-9a-f]{64}$/);
    const stats = restic(program, place.path, 'backup', '--json', folder).trim().split('\n').at(-1);
    expect(JSON.parse(stats as string)).toMatchObject({ files_new: 0, files_changed: 0 });
  });

  it('goes on where it or restic left off, without reading what has not changed', async (context) => {
    const program = needRestic(context, 'restic-0.19');
    addOddEntries();
    restic(program, place.path, 'backup', folder);
    const first = await backupFiles({ repository, source: 'odd', paths: [folder] });
    expect(first.counts).toMatchObject({ filesNew: 0, filesChanged: 0, bytesRead: 0 });
    expect(first.counts).toMatchObject({ dirsNew: 0, entriesGone: 0 });
    writeFileSync(join(folder, 'plain.txt'), 'changed');
    writeFileSync(join(folder, 'added'), 'new');
    rmSync(join(folder, 'deep', 'text'));
    const second = await backupFiles({ repository, source: 'odd', paths: [folder] });
    // The file has two names.
    expect(second.counts).toMatchObject({ filesNew: 1, filesChanged: 2, entriesGone: 1 });
    expect(second.counts.bytesRead).toBe(3 + 2 * 'changed'.length);
    const node = await repository.findNode(
      (await repository.findSnapshot('latest')).tree,
      join(folder, 'plain.txt'),
    );
    const blob = await repository.readBlob('data', node?.content?.[0] as BlobId);
    expect(Buffer.from(blob).toString()).toBe(readFileSync(join(folder, 'plain.txt'), 'utf8'));
    restic(program, place.path, 'check', '--read-data');
  });
});
