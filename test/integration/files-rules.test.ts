import { spawn } from 'node:child_process';
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isLifeboatError } from '../../src/core/index.ts';
import type { BlobId } from '../../src/repository/index.ts';
import { type BackupFilesOptions, backupFiles } from '../../src/sources/index.ts';
import { type LocalRepository, localRepository } from '../support/local-repository.ts';
import { temporaryFolder } from '../support/postgres.ts';

let folder: string;
let stored: LocalRepository;

beforeEach(async () => {
  folder = temporaryFolder('files-rules');
  stored = await localRepository();
});
afterEach(async () => {
  await stored[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

function write(name: string, content = name): void {
  mkdirSync(join(folder, name, '..'), { recursive: true });
  writeFileSync(join(folder, name), content);
}

function backup(options: Partial<BackupFilesOptions> = {}) {
  const { repository } = stored;
  return backupFiles({ repository, source: 'test', paths: [folder], ...options });
}

/** Paths below the folder in the newest snapshot. */
async function storedPaths(): Promise<string[]> {
  const { repository } = stored;
  const { tree } = await repository.findSnapshot('latest');
  const found: string[] = [];
  const visit = async (id: BlobId, path: string): Promise<void> => {
    for (const node of await repository.readTree(id)) {
      const at = path === '' ? node.name : `${path}/${node.name}`;
      found.push(at);
      if (node.subtree) await visit(node.subtree, at);
    }
  };
  const top = await repository.findNode(tree, folder);
  await visit(top?.subtree as BlobId, '');
  return found;
}

describe('what a backup of files leaves out', () => {
  it('is what patterns, marks and sizes say', async () => {
    for (const name of [
      'a.log',
      'keep.log',
      'src/a.log',
      'src/build/x',
      'build/y',
      'only/here/z',
    ]) {
      write(name);
    }
    write('lists/secret');
    write('cache/CACHEDIR.TAG', 'Signature: 8a477f597d28d172789f06886806bc55\n# a cache');
    write('cache/rubbish');
    write('no-cache/CACHEDIR.TAG', 'something else');
    write('no-cache/file');
    write('large', 'x'.repeat(2000));
    write('patterns', 'secret\n');
    const done = await backup({
      excludes: ['*.log', '!keep.log', 'src/build/', `${folder}/only/here`],
      excludeFiles: [join(folder, 'patterns')],
      excludeCaches: true,
      excludeLargerThanBytes: 1000,
    });
    expect(done.warnings).toEqual([]);
    expect(await storedPaths()).toEqual([
      'build',
      'build/y',
      'cache',
      'cache/CACHEDIR.TAG',
      'keep.log',
      'lists',
      'no-cache',
      'no-cache/CACHEDIR.TAG',
      'no-cache/file',
      'only',
      'patterns',
      'src',
    ]);
  });

  it('is told when it was asked for; nothing at all is an error', async () => {
    write('there');
    const missing = join(folder, 'missing');
    const done = await backup({ paths: [join(folder, 'there'), missing] });
    expect(done.warnings).toEqual([expect.stringContaining(missing)]);
    expect(await storedPaths()).toEqual(['there']);
    const error = await backup({ paths: [missing] }).catch((each: unknown) => each);
    expect(isLifeboatError(error, 'file.unreadable')).toBe(true);
  });
});

describe('what a backup of files keeps', () => {
  it('are sockets, links that lead nowhere, and many folders in one another', async () => {
    write(`${'deep/'.repeat(300)}file`);
    symlinkSync('nowhere', join(folder, 'dangling'));
    const server = createServer().listen(join(folder, 'socket'));
    await new Promise((resolve) => server.once('listening', resolve));
    try {
      expect((await backup()).warnings).toEqual([]);
    } finally {
      server.close();
    }
    const paths = await storedPaths();
    expect(paths).toHaveLength(303);
    const { tree } = await stored.repository.findSnapshot('latest');
    const node = await stored.repository.findNode(tree, join(folder, 'socket'));
    expect(node).toMatchObject({ type: 'socket' });
  });

  it('is a file that changes all the time, with a warning', async () => {
    const path = join(folder, 'busy');
    writeFileSync(path, 'x'.repeat(30_000_000));
    // Writes in the middle, so that every reading sees another file.
    const script = `const fs=require('fs');const f=fs.openSync(process.argv[1],'r+');process.stdout.write('.');for(;;)fs.writeSync(f,String(Math.random()),5000)`;
    const writer = spawn(process.execPath, ['-e', script, path]);
    try {
      await new Promise((resolve) => writer.stdout.once('data', resolve));
      const done = await backup();
      expect(done.warnings).toEqual([expect.stringContaining('changed while it was read')]);
      expect(done.counts.bytesRead).toBe(4 * 30_000_000);
    } finally {
      writer.kill();
    }
    expect((await stored.repository.check({ readData: true })).findings).toEqual([]);
  });
});
