import { existsSync, mkdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { temporaryFolder } from '../../../../test/support/postgres.ts';
import { prepareTargetFolder } from './target-folder.ts';

const synced = vi.hoisted(() => [] as string[]);
vi.mock('../../../core/index.ts', async (original) => {
  const actual = await original<typeof import('../../../core/index.ts')>();
  const syncFolder = (path: string) => {
    synced.push(path);
    return actual.syncFolder(path);
  };
  return { ...actual, syncFolder };
});

describe('target folder', () => {
  let folder: string;
  beforeEach(() => {
    folder = temporaryFolder('target');
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const prepare = (...path: string[]) => prepareTargetFolder(join(folder, ...path), undefined);

  it('is made with its parents, for its owner alone', async () => {
    await prepare('new', 'with space', 'größe');
    expect(statSync(join(folder, 'new', 'with space', 'größe')).mode & 0o777).toBe(0o700);
  });

  it('has a name that survives a loss of power, as have the folders made above it', async () => {
    synced.length = 0;
    await prepare('new', 'deeper', 'data');
    expect(synced).toEqual([join(folder, 'new/deeper'), join(folder, 'new'), folder]);
    synced.length = 0;
    await prepare('new', 'deeper', 'data');
    expect(synced).toEqual([]);
  });

  it('may be empty, and nothing else', async () => {
    mkdirSync(join(folder, 'empty'), { mode: 0o755 });
    await prepare('empty');
    expect(statSync(join(folder, 'empty')).mode & 0o777).toBe(0o700);
    writeFileSync(join(folder, 'empty', 'file'), '');
    symlinkSync('nowhere', join(folder, 'link'));
    for (const path of [['empty'], ['empty', 'file'], ['empty', 'file', 'below'], ['link']]) {
      await expect(prepare(...path), path.join('/')).rejects.toMatchObject({
        code: 'target.not-empty',
        hint: expect.stringContaining('Name a new or empty folder'),
      });
    }
  });

  it('never lies inside a data directory or a repository, whatever links lead there', async () => {
    mkdirSync(join(folder, 'data', 'global'), { recursive: true });
    writeFileSync(join(folder, 'data', 'PG_VERSION'), '18\n');
    for (const name of ['keys', 'snapshots', 'index']) {
      mkdirSync(join(folder, 'repository', name), { recursive: true });
    }
    writeFileSync(join(folder, 'repository', 'config'), '');
    symlinkSync(join(folder, 'data', 'global'), join(folder, 'elsewhere'));
    for (const path of [
      ['data', 'base', 'new'],
      ['repository', 'new'],
      ['elsewhere', 'new'],
    ]) {
      await expect(prepare(...path), path.join('/')).rejects.toMatchObject({
        code: 'target.unsafe',
      });
      expect(existsSync(join(folder, ...path))).toBe(false);
    }
  });
});
