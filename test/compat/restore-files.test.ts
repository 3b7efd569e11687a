import { lstatSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it, type TestContext } from 'vitest';
import { backupFiles, restoreFiles } from '../../src/sources/index.ts';
import { listEntries } from '../support/entry-list.ts';
import { localRepository } from '../support/local-repository.ts';
import { makeOddTree } from '../support/odd-tree.ts';
import { temporaryFolder } from '../support/postgres.ts';
import { findProgram } from '../support/programs.ts';
import { ResticPlace } from '../support/restic-backup.ts';
import { need } from '../support/skip.ts';

const isRoot = process.getuid?.() === 0;

describe.each(['restic', 'restic-0.19'])(
  'a tree of every kind of entry that %s backed up',
  (name) => {
    const program = (context: TestContext) =>
      need(context, findProgram(name), `no ${name} on PATH`);

    it('is restored equal in every attribute, to a new place and in place', {
      timeout: 120_000,
    }, async (context) => {
      using place = new ResticPlace(program(context));
      const source = place.path('source');
      await using _tree = await makeOddTree(source);
      place.run('backup', source);
      const wanted = expected(name, listEntries(source, { holes: true }));

      await using repository = await place.open();
      const snapshot = await repository.findSnapshot('latest');
      const target = place.path('restored');
      const result = await restoreFiles({ repository, snapshot, target });
      expect(result.problems).toEqual([]);
      if (isRoot) expect(result.attributeProblems).toEqual([]);
      const there = () => listEntries(join(target, source), { holes: true });
      expect(there()).toEqual(wanted);

      const again = await restoreFiles({ repository, snapshot, target });
      expect(again.counts).toMatchObject({
        newFiles: 0,
        replacedFiles: 0,
        sameFiles: result.counts.newFiles,
      });
      expect(there()).toEqual(wanted);
      const byContent = { repository, snapshot, target, verifyExisting: true };
      expect((await restoreFiles(byContent)).counts).toMatchObject({
        newFiles: 0,
        replacedFiles: 0,
      });

      const anew = { overwrite: 'always', verify: true } as const;
      const rewritten = await restoreFiles({ repository, snapshot, target, ...anew });
      expect(rewritten.problems).toEqual([]);
      expect(rewritten.counts.replacedFiles).toBe(result.counts.newFiles);
      expect(there()).toEqual(wanted);
    });
  },
);

it('a tree of every kind of entry that we backed up is restored equal by us, and by restic', {
  timeout: 120_000,
}, async (context) => {
  const restic = need(context, findProgram('restic-0.19'), 'no restic-0.19 on PATH');
  using place = new ResticPlace(restic);
  const source = place.path('source');
  await using _tree = await makeOddTree(source);
  const { '/socket': _, ...wanted } = listEntries(source);
  await using repository = await place.open();
  await backupFiles({ repository, source: 'odd', paths: [source] });
  const snapshot = await repository.findSnapshot('latest');
  const result = await restoreFiles({ repository, snapshot, target: place.path('ours') });
  expect([result.problems, isRoot ? result.attributeProblems : []]).toEqual([[], []]);
  expect(listEntries(place.path(join('ours', source)))).toEqual(wanted);
  place.run('restore', 'latest', '--target', place.path('theirs'));
  // restic's own times end in 2262.
  const { '/year 2400': _late, ...theirs } = listEntries(place.path(join('theirs', source)));
  const { '/year 2400': __, ...possible } = wanted;
  expect(theirs).toEqual(possible);
});

it('so does /usr of this machine', { timeout: 3_600_000 }, async (context) => {
  need(context, process.env.LIFEBOAT_SOAK, 'takes minutes, runs in the soak');
  await using place = await localRepository();
  const target = temporaryFolder('usr');
  const begun = Date.now();
  try {
    const { repository } = place;
    await backupFiles({ repository, source: 'usr', paths: ['/usr'], oneFileSystem: true });
    const snapshot = await repository.findSnapshot('latest');
    const result = await restoreFiles({ repository, snapshot, target });
    expect([result.problems, isRoot ? result.attributeProblems : []]).toEqual([[], []]);
    const [wanted, there] = [listEntries('/usr'), listEntries(join(target, 'usr'))];
    // What somebody installed or removed meanwhile says nothing.
    const isOld = (path: string) =>
      (statOf(`/usr${Buffer.from(path, 'latin1')}`)?.ctimeMs ?? begun) < begun;
    const different = Object.keys(wanted).filter((path) => wanted[path] !== there[path]);
    expect(different.filter(isOld)).toEqual([]);
  } finally {
    rmSync(target, { recursive: true, force: true });
  }
});

it.for(['restic', 'restic-0.19'])(
  'what the excludes of %s left out stays beside --delete',
  { timeout: 60_000 },
  async (name, context) => {
    using place = new ResticPlace(need(context, findProgram(name), `no ${name} on PATH`));
    const source = place.path('source');
    const leftOut = ['a/node_modules/x', 'b/c/d/x', 'x.tmp', 'b/cache/x'];
    const added = ['a/new', 'c/d'];
    for (const path of [...leftOut, ...added, 'a/file']) {
      mkdirSync(dirname(join(source, path)), { recursive: true });
      writeFileSync(join(source, path), path);
    }
    for (const path of added) rmSync(join(source, path));
    const excludes = ['node_modules/', 'c/d', '*.tmp', `${source}/b/cache`];
    place.run('backup', source, ...excludes.flatMap((each) => ['--exclude', each]));
    for (const path of added) writeFileSync(join(source, path), path);
    await using repository = await place.open();
    const snapshot = await repository.findSnapshot('latest');
    const target = { path: source, target: source, deleteExtra: true };
    const { counts } = await restoreFiles({ repository, snapshot, ...target });
    // restic's `c/d` is tied to nothing.
    expect(counts.leftOutPaths.toSorted()).toEqual([
      ...['a/node_modules', 'b/c/d', 'b/cache', 'c/d', 'x.tmp'],
    ]);
    expect(counts.deletedPaths).toEqual(['a/new']);
  },
);

/** restic stores no sockets; 0.14 keeps link targets as text only, and no attributes of links. */
function expected(name: string, entries: Record<string, string>): Record<string, string> {
  const { '/socket': _, ...rest } = entries;
  if (name !== 'restic') return rest;
  return Object.fromEntries(
    Object.entries(rest).map(([path, text]) => [
      path,
      text.replace('2fe9ff', '2fefbfbdefbfbd').replace(/ \| trusted\.y=[0-9a-f]+/, ''),
    ]),
  );
}

function statOf(path: string) {
  return lstatSync(path, { throwIfNoEntry: false });
}
