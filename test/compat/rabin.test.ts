import { spawnSync } from 'node:child_process';
import { randomFillSync } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Secret } from '../../src/core/index.ts';
import { LocalLocation, openRepository } from '../../src/repository/index.ts';
import { backupFiles } from '../../src/sources/files/backup/index.ts';
import { findProgram } from '../support/programs.ts';
import { need } from '../support/skip.ts';

const password = new Secret('geheim');
let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'lifeboat-rabin-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

describe.each(['restic', 'restic-0.19'])('the chunks of %s', (name) => {
  it('are ours with `chunker: rabin`: what one has stored the other does not store again', async (context) => {
    const program = need(context, findProgram(name), `no ${name} on PATH`);
    const restic = (...args: string[]) => {
      const done = spawnSync(program, args, {
        env: {
          ...process.env,
          RESTIC_PASSWORD: password.reveal(),
          RESTIC_REPOSITORY: join(root, 'repository'),
          RESTIC_CACHE_DIR: join(root, 'cache'),
        },
        encoding: 'utf8',
      });
      expect(done.status, done.stdout + done.stderr).toBe(0);
      return done.stdout;
    };
    const folder = join(root, 'data');
    mkdirSync(folder);
    writeFileSync(join(folder, 'random'), randomFillSync(Buffer.alloc(24 * 2 ** 20)));
    writeFileSync(
      join(folder, 'words'),
      Buffer.alloc(9_000_001, 'words that come again and again '),
    );
    for (const bytes of [1, 524_287, 524_288, 524_289, 2_000_000]) {
      writeFileSync(join(folder, `of ${bytes}`), randomFillSync(Buffer.alloc(bytes)));
    }
    writeFileSync(join(folder, 'zeros'), Buffer.alloc(3_000_000));
    writeFileSync(join(folder, 'sparse'), 'begin');
    truncateSync(join(folder, 'sparse'), 5_000_000);
    restic('init');
    restic('backup', folder);
    const location = new LocalLocation(join(root, 'repository'));
    await using repository = await openRepository({ location, password });
    const backup = { repository, source: 'data', paths: [folder], chunker: 'rabin' } as const;
    const { bytesTotal, bytesNew } = await backupFiles(backup);
    expect(bytesTotal).toBeGreaterThan(40 * 2 ** 20);
    // Trees differ in times of access and the like.
    expect(bytesNew).toBeLessThan(20_000);
    writeFileSync(join(folder, 'later'), randomFillSync(Buffer.alloc(8 * 2 ** 20)));
    await backupFiles(backup);
    const summary = JSON.parse(
      restic('backup', '--force', '--json', folder).trim().split('\n').at(-1) as string,
    );
    expect(summary.data_added).toBeLessThan(20_000);
  }, 120_000);
});
