import { linkSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { localRepository } from '../../../../test/support/local-repository.ts';
import { temporaryFolder } from '../../../../test/support/postgres.ts';
import type { ProgressEvent } from '../../../core/index.ts';
import { absolutePatterns, cacheMark } from '../left-out-rules.ts';
import { BackupMeter } from './backup-meter.ts';
import { backupFiles } from './index.ts';
import { outermost, scanTree } from './scan-tree.ts';

let folder: string;
const put = (path: string, bytes: number) => {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), Buffer.alloc(bytes, 1));
};

beforeAll(() => {
  folder = temporaryFolder('scan-tree');
  put('a/one', 1);
  put('a/b/two', 20);
  put('a/b/x.tmp', 300);
  put('node_modules/x', 300);
  put('cache/CACHEDIR.TAG', 7);
  writeFileSync(join(folder, 'cache/CACHEDIR.TAG'), cacheMark.header as string);
  put('cache/page', 300);
  put('large', 9000);
  linkSync(join(folder, 'a/one'), join(folder, 'a/also one'));
  symlinkSync('a', join(folder, 'link'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('counts what a backup of the same paths and rules stores', async () => {
  const excludes = ['*.tmp', 'node_modules/'];
  const paths = [folder, join(folder, 'a')];
  const options = { excludes, excludeCaches: true, excludeLargerThanBytes: 5000 };
  await using place = await localRepository();
  const { repository } = place;
  const backup = await backupFiles({ repository, source: 'files', paths, ...options });
  const scanned = scanTree(outermost(paths), {
    patterns: absolutePatterns(excludes, paths),
    presenceMarks: [cacheMark],
    oneFileSystem: true,
    maxFileBytes: 5000,
    withAtime: false,
    rereads: 0,
  });
  expect(scanned).toEqual({ files: backup.filesTotal, bytes: backup.bytesTotal });
  expect(scanned.files).toBe(4);
});

it('keeps of several paths those that lie in no other', () => {
  expect(outermost(['/a', '/a/b', '/ab'])).toEqual(['/a', '/ab']);
  expect(outermost(['/', '/a'])).toEqual(['/']);
  expect(outermost(['/a/b'])).toEqual(['/a/b']);
});

it('tells the total once it is counted, of a first backup only', async () => {
  const rules = { patterns: [], presenceMarks: [], oneFileSystem: false, maxFileBytes: undefined };
  const scan = { paths: [join(folder, 'a')], rules: { ...rules, withAtime: false, rereads: 0 } };
  const total = async (formerBytes: number | undefined) => {
    const { promise, resolve } = Promise.withResolvers<number>();
    using _meter = new BackupMeter({
      ...{ task: 'backup', formerBytes, scan, scanAfterMs: 0 },
      progress: (event: ProgressEvent) => {
        if (event.type === 'progress' && event.total !== undefined) resolve(event.total);
      },
      counts: () => ({ bytesTotal: 21, filesTotal: 2, bytesUnderWay: 5 }),
    });
    return await promise;
  };
  expect(await total(undefined)).toBe(322);
  expect(await total(4000)).toBe(4000);
});
