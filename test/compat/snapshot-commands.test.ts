import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  linkSync,
  mkdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Secret } from '../../src/core/index.ts';
import { initRepository, LocalLocation, openRepository } from '../../src/repository/index.ts';
import { lifeboatInProcess } from '../support/in-process.ts';
import { temporaryFolder } from '../support/postgres.ts';
import { findProgram } from '../support/programs.ts';
import { need } from '../support/skip.ts';

const password = 'geheim';

interface ResticSnapshot {
  readonly id: string;
  readonly tags?: readonly string[];
  readonly original?: string;
  readonly time: string;
}

describe.each(['restic', 'restic-0.19'])('beside %s', (name) => {
  const program = findProgram(name);
  let root: string;
  let source: string;

  const environment = (secret = password) => ({
    RESTIC_PASSWORD: secret,
    RESTIC_REPOSITORY: join(root, 'r'),
    RESTIC_CACHE_DIR: join(root, 'cache'),
    LIFEBOAT_PASSWORD: secret,
    LIFEBOAT_REPOSITORY: join(root, 'r'),
  });
  const run = (args: readonly string[], secret?: string) =>
    spawnSync(program as string, args, {
      env: { ...process.env, ...environment(secret) },
      encoding: 'utf8',
    });
  const restic = (...args: string[]): string => {
    const done = run(args);
    expect(done.status, `restic ${args.join(' ')}\n${done.stdout}${done.stderr}`).toBe(0);
    return done.stdout;
  };
  const theirs = <Value>(...args: string[]): Value =>
    JSON.parse(restic(...args, '--json')) as Value;
  const resticSnapshots = () => theirs<ResticSnapshot[]>('snapshots');
  const ours = async (...args: string[]) => {
    const done = await lifeboatInProcess([...args, '--json'], environment());
    expect(done.exitCode, done.stdout + done.stderr).toBe(0);
    return done.records;
  };
  const of = (records: readonly Record<string, unknown>[], type: string) =>
    records.filter((each) => each.type === type);

  beforeAll(async () => {
    if (!program) return;
    root = temporaryFolder('snapshot-commands');
    source = join(root, 'source');
    mkdirSync(join(source, 'deep/er'), { recursive: true });
    writeFileSync(join(source, 'text'), 'some text\n'.repeat(90_000));
    writeFileSync(join(source, 'same'), 'some text\n'.repeat(90_000));
    writeFileSync(join(source, 'deep/er/note.txt'), 'one');
    linkSync(join(source, 'deep/er/note.txt'), join(source, 'deep/linked'));
    symlinkSync('note.txt', join(source, 'deep/er/link'));
    // Our key file: restic's own takes half a second to open, each time.
    const location = new LocalLocation(join(root, 'r'));
    await using _ = await initRepository({ location, password: new Secret(password) });
    restic('backup', source, '--tag', 'first');
    appendFileSync(join(source, 'deep/er/note.txt'), 'two');
    rmSync(join(source, 'same'));
    chmodSync(join(source, 'text'), 0o600);
    restic('backup', source, '--tag', 'second');
    rmSync(join(source, 'deep/er/link'));
    mkdirSync(join(source, 'deep/er/link'));
    writeFileSync(join(source, 'deep/er/link/inside'), 'x');
    restic('backup', source, '--tag', 'third');
  }, 60_000);
  afterAll(() => root && rmSync(root, { recursive: true, force: true }));

  const withRestic = (title: string, body: () => Promise<void>) =>
    it(title, async (context) => {
      need(context, program, `no ${name} on PATH`);
      await body();
    });

  withRestic('snapshots, ls and find say what restic says', async () => {
    const listed = await ours('snapshots');
    expect(listed.map(({ id }) => id)).toEqual(resticSnapshots().map(({ id }) => id));
    const paths = (await ours('ls', 'latest')).filter((each) => each.type === 'node');
    const expected = restic('ls', 'latest', '--json').trim().split('\n').slice(1);
    expect(
      paths.map(({ path, permissions, sizeBytes = 0 }) => [path, permissions, sizeBytes]),
    ).toEqual(
      expected
        .map((line) => JSON.parse(line))
        .map(({ path, permissions = '', size = 0, mode, type }) => [
          path,
          permissions ? goLook(permissions, mode) : expect.any(String),
          type === 'file' ? size : 0,
        ]),
    );
    const found = of(await ours('find', '*note*', 'tex?'), 'find-match');
    const resticFound = theirs<{ snapshot: string; matches: { path: string }[] }[]>(
      'find',
      '*note*',
      'tex?',
    );
    expect(found.map(({ snapshot, path }) => `${snapshot} ${path}`).sort()).toEqual(
      resticFound
        .flatMap(({ snapshot, matches }) => matches.map(({ path }) => `${snapshot} ${path}`))
        .sort(),
    );
  });

  withRestic('diff and stats count what restic counts', async () => {
    const [first, second] = resticSnapshots().map(({ id }) => id) as [string, string];
    const [result] = of(await ours('diff', first, second), 'diff');
    const lines = restic('diff', first, second, '--json').trim().split('\n');
    const { added, removed, changed_files } = JSON.parse(lines.at(-1) as string);
    const sides = (side: typeof added) => ({
      files: side.files,
      dirs: side.dirs,
      others: side.others,
      dataBlobs: side.data_blobs,
      treeBlobs: side.tree_blobs,
      bytes: side.bytes,
    });
    expect(result).toMatchObject({
      added: sides(added),
      removed: sides(removed),
      filesModified: changed_files,
    });
    // restic counts nothing of what takes the place of something of another type; we do.
    const changes = of(await ours('diff', first, 'latest', '--metadata'), 'change');
    expect(changes.map(({ kind, path }) => `${kind} ${String(path).slice(source.length)}`)).toEqual(
      expect.arrayContaining([
        'modified /deep/er/note.txt',
        'removed /same',
        'metadata /text',
        'type-changed /deep/er/link',
        'added /deep/er/link/inside',
      ]),
    );
    const [stats] = of(await ours('stats'), 'stats');
    const mode = (which: string) => theirs<Record<string, number>>('stats', '--mode', which);
    expect(stats).toMatchObject({
      restoreBytes: mode('restore-size').total_size,
      entries: mode('restore-size').total_file_count,
      contentBytes: mode('files-by-contents').total_size,
      raw: { bytesStored: mode('raw-data').total_size },
    });
  });

  withRestic('what we tag, restic lists and checks, and what it tags, we list', async () => {
    const [oldest] = resticSnapshots();
    await ours('tag', oldest?.id.slice(0, 12) as string, '--add', 'ours,kept', '--remove', 'first');
    const tagged = resticSnapshots().find(({ original }) => original === oldest?.id);
    expect(tagged?.tags).toEqual(['ours', 'kept']);
    expect(tagged?.time).toBe(oldest?.time);
    expect(resticSnapshots()).toHaveLength(3);
    restic('tag', '--add', 'theirs', tagged?.id as string);
    const [shown] = await ours('snapshots', '--tag', 'theirs,kept');
    expect(shown).toMatchObject({ tags: ['ours', 'kept', 'theirs'], original: oldest?.id });
    expect(restic('check')).toContain('no errors');
  });

  withRestic(
    'keys of ours open for restic, removed ones do not, and the other way round',
    async () => {
      const file = join(root, 'new-password');
      writeFileSync(file, 'second 🛟\n', { mode: 0o600 });
      const [added] = await ours('key', 'add', '--new-password-file', file, '--user', 'somebody');
      expect(run(['snapshots'], 'second 🛟').status).toBe(0);
      const keys = await ours('key', 'list');
      expect(keys).toHaveLength(2);
      expect(keys.find(({ id }) => id === added?.id)).toMatchObject({
        username: 'somebody',
        isCurrent: false,
      });
      await ours('key', 'remove', String(added?.id).slice(0, 8));
      expect(run(['snapshots'], 'second 🛟').status).not.toBe(0);

      const own = await lifeboatInProcess(
        ['key', 'remove', String(keys[0]?.id), '--json'],
        environment(),
      );
      expect(own.exitCode).toBe(1);
      expect(own.records.at(-1)).toMatchObject({ code: 'key.refused' });

      writeFileSync(file, 'theirs\n');
      restic('key', 'add', '--new-password-file', file);
      const env = environment('theirs');
      expect((await lifeboatInProcess(['key', 'list'], env)).exitCode).toBe(0);
      const changed = await lifeboatInProcess(
        ['key', 'passwd', '--new-password-env', 'NEW', '--json'],
        { ...env, NEW: 'changed' },
      );
      expect(changed.exitCode, changed.stdout).toBe(0);
      expect(run(['snapshots'], 'theirs').status).not.toBe(0);
      expect(run(['snapshots'], 'changed').status).toBe(0);
      expect(restic('check')).toContain('no errors');
    },
  );

  withRestic('forget is refused beside a backup, with the name of the holder', async () => {
    const location = new LocalLocation(join(root, 'r'));
    await using repository = await openRepository({ location, password: new Secret(password) });
    await using _writer = await repository.startBackup();
    const refused = await lifeboatInProcess(
      ['forget', '--keep-last', '1', '--json'],
      environment(),
    );
    expect(refused.exitCode).toBe(11);
    expect(refused.records.at(-1)).toMatchObject({ code: 'repository.locked' });
    expect(refused.records.at(-1)?.message).toContain(`process ${process.pid} of`);
    expect(resticSnapshots()).toHaveLength(3);
  });

  withRestic(
    'forget keeps the floor, removes what it says, and leaves what restic finds whole',
    async () => {
      expect(of(await ours('forget', '--keep-last', '1'), 'forget')[0]).toMatchObject({
        kept: 3,
        removed: [],
      });
      const dry = await ours('forget', '--keep-last', '1', '--minimum', '1', '--dry-run');
      expect(of(dry, 'forget')[0]).toMatchObject({ kept: 1, toRemove: 2, removed: [] });
      expect(resticSnapshots()).toHaveLength(3);
      const newest = resticSnapshots().at(-1)?.id;
      const all = await lifeboatInProcess(
        ['forget', ...resticSnapshots().map(({ id }) => id), '--json'],
        environment(),
      );
      expect(all.records.at(-1)).toMatchObject({ code: 'retention.refused' });
      const done = await ours('forget', '--keep-last', '1', '--minimum', '1', '--prune');
      expect(of(done, 'forget-decision').filter(({ keep }) => keep)).toMatchObject([
        { id: newest, keptBy: [{ rule: 'last 1', bucket: '#1' }] },
      ]);
      expect(of(done, 'prune')).toHaveLength(1);
      expect(resticSnapshots().map(({ id }) => id)).toEqual([newest]);
      expect(restic('check', '--read-data')).toContain('no errors');
      restic('restore', 'latest', '--target', join(root, 'restored'));
    },
  );
});

/** restic prints Go's letters for a mode: `dtrwxrwxrwx`, `Lrwxrwxrwx`. */
function goLook(permissions: string, mode: number): string {
  const letters = permissions.slice(-9).split('');
  if (mode & (1 << 20)) letters[8] = letters[8] === 'x' ? 't' : 'T';
  const type = permissions.startsWith('d') ? 'd' : permissions.startsWith('L') ? 'l' : '-';
  return type + letters.join('');
}
