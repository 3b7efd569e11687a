import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Secret } from '../../src/core/index.ts';
import {
  type BackupWriter,
  type BlobId,
  initRepository,
  MemoryLocation,
  type Repository,
  type Snapshot,
  type TreeNode,
} from '../../src/repository/index.ts';
import {
  parseOwnerMapping,
  type RestoreFilesOptions,
  restoreFiles,
} from '../../src/sources/index.ts';
import { listEntries } from '../support/entry-list.ts';
import { temporaryFolder } from '../support/postgres.ts';
import { need } from '../support/skip.ts';
import {
  fileNode,
  folderNode,
  linkNode,
  saved,
  savedRandom,
  storeTree,
} from '../support/stored-tree.ts';

const isRoot = process.getuid?.() === 0;
// A location that the threads cannot read themselves: packs come through the main thread.
const files = new Map<string, Uint8Array>();
let repository: Repository;
let folder: string;
let target: string;
let snapshot: Snapshot;

beforeAll(async () => {
  const location = new MemoryLocation({ files });
  repository = await initRepository({ location, password: new Secret('pw') });
  snapshot = await storeTree(repository, tree);
});
afterAll(() => repository[Symbol.asyncDispose]());
beforeEach(() => {
  folder = temporaryFolder('restore-files');
  target = join(folder, 'target');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const stored = { mtimeNs: 1_600_000_000_000_000_000n };

async function tree(writer: BackupWriter): Promise<readonly TreeNode[]> {
  const file = async (name: string, text: string, more: Partial<TreeNode> = {}) => {
    const content = await saved(writer, text);
    return fileNode({ name, content, sizeBytes: text.length, ...stored, ...more });
  };
  const parts: BlobId[] = [];
  for (let part = 0; part < 24; part++) parts.push(...(await savedRandom(writer, 1_000_000)));
  const large = fileNode({ name: 'large', content: parts, sizeBytes: 24_000_000, ...stored });
  const logs = await writer.saveTree([await file('a.log', 'log a'), await file('b.txt', 'text b')]);
  const sub = await writer.saveTree([
    folderNode('logs', logs, stored),
    await file('c.txt', 'text c'),
  ]);
  const one = await file('one', 'one');
  return [one, large, linkNode('link', 'one'), folderNode('sub', sub, { mode: 0o750, ...stored })];
}

async function restore(options: Partial<RestoreFilesOptions> = {}) {
  return await restoreFiles({ repository, snapshot, target, ...options });
}

const paths = () => Object.keys(listEntries(target)).sort();
const everything = [
  '/large',
  '/link',
  '/one',
  '/sub',
  '/sub/c.txt',
  '/sub/logs',
  '/sub/logs/a.log',
  '/sub/logs/b.txt',
];

describe('what is restored', () => {
  it('is everything, with a plan that says so before', async () => {
    const plan = await restore({ isPlan: true });
    expect(existsSync(target)).toBe(false);
    const { counts, problems } = await restore();
    expect(problems).toEqual([]);
    expect(counts).toEqual(plan.counts);
    expect(counts).toMatchObject({
      newFiles: 5,
      newBytes: 24_000_020,
      folders: 2,
      otherEntries: 1,
    });
    expect(paths()).toEqual(everything);
    expect(statSync(join(target, 'sub')).mode & 0o777).toBe(0o750);
  });

  it('is a folder of the snapshot, or one file', async () => {
    await restore({ path: '/sub/logs' });
    expect(paths()).toEqual(['/a.log', '/b.txt']);
    await restore({ path: 'sub/c.txt' });
    expect(paths()).toEqual(['/a.log', '/b.txt', '/c.txt']);
    await expect(restore({ path: '/nowhere' })).rejects.toMatchObject({ code: 'usage.invalid' });
  });

  it.each([
    [{ includes: ['*.txt'] }, ['/sub', '/sub/c.txt', '/sub/logs', '/sub/logs/b.txt']],
    [{ includes: ['/sub/logs/'] }, ['/sub', '/sub/logs', '/sub/logs/a.log', '/sub/logs/b.txt']],
    [
      { includes: ['/sub'], excludes: ['*.txt', '!c.txt'] },
      ['/sub', '/sub/c.txt', '/sub/logs', '/sub/logs/a.log'],
    ],
    [{ excludes: ['sub', '/large'] }, ['/link', '/one']],
    [{ includes: ['nothing'] }, []],
  ])('is what patterns say: %j', async (options, wanted) => {
    const { problems } = await restore(options);
    expect(problems).toEqual([]);
    expect(paths()).toEqual(wanted);
    // Folders that were made on the way are as they were.
    if (wanted.includes('/sub'))
      expect(lstatSync(join(target, 'sub'), { bigint: true }).mtimeNs).toBe(stored.mtimeNs);
  });
});

describe('what is there already', () => {
  const newer = 2_000_000_000;
  beforeEach(async () => {
    await restore();
    writeFileSync(join(target, 'one'), 'ONE');
    utimesSync(join(target, 'one'), newer, newer);
    // Content that changed behind an unchanged size and time.
    writeFileSync(join(target, 'sub/c.txt'), 'TEXT C');
    utimesSync(join(target, 'sub/c.txt'), 1_600_000_000, 1_600_000_000);
    writeFileSync(join(target, 'mine'), 'mine');
    mkdirSync(join(target, 'sub/own'));
    writeFileSync(join(target, 'sub/own/mine'), 'mine');
  });
  const text = (path: string) => readFileSync(join(target, path), 'utf8');

  it.each([
    [{}, 'one', 'TEXT C'],
    [{ verifyExisting: true }, 'one', 'text c'],
    [{ overwrite: 'always' }, 'one', 'text c'],
    [{ overwrite: 'if-newer' }, 'ONE', 'TEXT C'],
    [{ overwrite: 'never' }, 'ONE', 'TEXT C'],
  ] as const)('is replaced as the policy says: %j', async (options, one, c) => {
    const before = lstatSync(join(target, 'large')).ino;
    expect((await restore(options)).problems).toEqual([]);
    expect([text('one'), text('sub/c.txt'), text('mine')]).toEqual([one, c, 'mine']);
    const isSame = lstatSync(join(target, 'large')).ino === before;
    expect(isSame).toBe(!('overwrite' in options) || options.overwrite !== 'always');
    expect(readdirSync(target).filter((name) => name.startsWith('.'))).toEqual([]);
  });

  it('is deleted only when asked, as the plan says, and not where it is excluded', async () => {
    const plan = await restore({ deleteExtra: true, isPlan: true });
    expect(plan.counts.deletedPaths.sort()).toEqual(['mine', 'sub/own', 'sub/own/mine']);
    expect(text('mine')).toBe('mine');
    await restore({ deleteExtra: true, excludes: ['/mine'] });
    expect([existsSync(join(target, 'mine')), existsSync(join(target, 'sub/own'))]).toEqual([
      true,
      false,
    ]);
    await restore({ deleteExtra: true });
    expect(paths()).toEqual(everything);
  });

  it('has its attributes set right though its content is', async () => {
    chmodSync(join(target, 'large'), 0o600);
    chmodSync(join(target, 'sub'), 0o700);
    await restore();
    expect(statSync(join(target, 'large')).mode & 0o777).toBe(0o644);
    expect(statSync(join(target, 'sub')).mode & 0o777).toBe(0o750);
  });

  it('of a run that was killed is cleared away, and what it left half done is done', async () => {
    writeFileSync(join(target, 'sub/.lifeboat-restore-old-abc-1'), 'half');
    truncateSync(join(target, 'large'), 5_000_000);
    const { counts } = await restore();
    expect(counts.replacedBytes).toBe(24_000_003);
    expect(existsSync(join(target, 'sub/.lifeboat-restore-old-abc-1'))).toBe(false);
  });
});

describe('what cannot be restored', () => {
  it('is named, and everything else is there', async () => {
    // Each pack that holds data, one after the other: whatever it holds is named, the rest is whole.
    await restore();
    const whole = listEntries(target);
    let named = 0;
    for (const [name, bytes] of [...files].filter(([each]) => each.startsWith('data/'))) {
      rmSync(target, { recursive: true });
      const damaged = bytes.slice();
      for (let at = 40; at < damaged.length; at += 700_000)
        damaged[at] = (damaged[at] as number) ^ 1;
      files.set(name, damaged);
      const { problems } = await restore();
      files.set(name, bytes);
      named += problems.length;
      const bad = new Set(problems.map(({ path }) => `/${path}`));
      const isBad = (path: string) =>
        [...bad].some((each) => path === each || path.startsWith(`${each}/`) || each === '//');
      const there = listEntries(target);
      for (const path of Object.keys(whole))
        if (!isBad(path)) expect(there[path]).toBe(whole[path]);
    }
    expect(named).toBeGreaterThan(2);
  });

  it('is tried again by the next run, which keeps what was right', async () => {
    const [name, bytes] = [...files].find(
      ([each, { length }]) => each.startsWith('data/') && length > 10_000_000,
    ) as [string, Uint8Array];
    const damaged = bytes.slice();
    damaged[5_000_000] = (damaged[5_000_000] as number) ^ 1;
    files.set(name, damaged);
    const first = await restore();
    files.set(name, bytes);
    expect(first.problems).toMatchObject([
      { path: 'large', problem: expect.stringContaining('zeros') },
    ]);
    const second = await restore();
    expect(second.problems).toEqual([]);
    expect(second.counts).toMatchObject({ sameFiles: 4, replacedFiles: 1 });
  });

  it('is said before anything is written when there is no room', async () => {
    const summary = { ...snapshot.summary, bytesTotal: 2 ** 60 } as Snapshot['summary'];
    const huge = { ...snapshot, summary } as Snapshot;
    await expect(restore({ snapshot: huge })).rejects.toMatchObject({ code: 'disk.full' });
    expect(readdirSync(target)).toEqual([]);
    expect((await restore({ snapshot: huge, ignoreSpace: true })).problems).toEqual([]);
  });

  it('ends when it is cancelled, and goes on with the next run', async () => {
    const cancel = new AbortController();
    const progress = () => cancel.abort();
    await expect(restore({ signal: cancel.signal, progress })).rejects.toMatchObject({
      code: 'cancelled',
    });
    expect((await restore()).problems).toEqual([]);
    expect(paths()).toEqual(everything);
  });
});

describe('owners', () => {
  it('are mapped by number and by name, or left to whoever restores', async (context) => {
    if (!isRoot) context.skip('needs root');
    const owned = await storeTree(repository, async (writer) => [
      fileNode({ name: 'by number', uid: 1000, gid: 2000, content: await saved(writer, 'x') }),
      fileNode({ name: 'by name', uid: 77, gid: 78, user: 'joe', group: 'staff' }),
      fileNode({ name: 'other', uid: 5, gid: 6 }),
    ]);
    const owners = parseOwnerMapping(['1000:33', 'joe:nobody'], ['2000:44', 'staff:45']);
    const ids = () =>
      readdirSync(target)
        .sort()
        .map((name) => [statSync(join(target, name)).uid, statSync(join(target, name)).gid]);
    await restore({ snapshot: owned, owners });
    expect(ids()).toEqual([
      [65_534, 45],
      [33, 44],
      [5, 6],
    ]);
    rmSync(target, { recursive: true });
    await restore({ snapshot: owned, owners: parseOwnerMapping(['none'], []) });
    expect(ids()).toEqual([
      [0, 0],
      [0, 0],
      [0, 0],
    ]);
    expect(() => parseOwnerMapping(['1:2:3'], [])).toThrow(/mapping/);
    expect(() => parseOwnerMapping(['1:no-such-account'], [])).toThrow(/nobody is called/);
  });

  it('that an ordinary user cannot set are reported, contents are whole, setuid is not given away', async (context) => {
    const runuser = need(context, isRoot ? '/usr/sbin/runuser' : undefined, 'needs root');
    const place = temporaryFolder('ordinary');
    try {
      chmodSync(place, 0o777);
      const script = join(import.meta.dirname, '../support/restore-child.ts');
      const mayRead = spawnSync(runuser, ['-u', 'nobody', '--', 'test', '-r', script]).status === 0;
      if (!mayRead) context.skip('nobody may not read this project');
      const out = execFileSync(
        runuser,
        ['-u', 'nobody', '--', process.execPath, script, join(place, 'target')],
        { cwd: '/' },
      );
      const { problems, attributes, mode, content } = JSON.parse(out.toString());
      expect(problems).toEqual(['device']);
      expect(content).toBe('whole');
      expect(mode).toBe(0o755);
      expect(attributes.sort()).toEqual([
        ['extended attribute trusted.x', 'EPERM'],
        ['owner', 'EPERM'],
        ['setuid and setgid bits', 'EPERM'],
      ]);
    } finally {
      rmSync(place, { recursive: true, force: true });
    }
  });
});
