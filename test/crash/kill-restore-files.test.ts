import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { backupFiles, restoreFiles } from '../../src/sources/index.ts';
import { lifeboat, spawnLifeboat } from '../support/command-line.ts';
import { localRepository, testPassword } from '../support/local-repository.ts';
import { temporaryFolder } from '../support/postgres.ts';

const kills = process.env.LIFEBOAT_SOAK ? 60 : 3;

it('a restore in place that is killed leaves each file as it was or as it is stored, and is continued', {
  timeout: 600_000,
}, async () => {
  await using place = await localRepository();
  const folder = temporaryFolder('killed');
  const env = { LIFEBOAT_PASSWORD: testPassword };
  try {
    const write = (byte: number) => {
      for (let number = 0; number < 300; number++) {
        const size = number % 50 === 0 ? 12_000_000 : 3000 + number;
        writeFileSync(join(folder, `f${number}`), Buffer.alloc(size, byte + (number % 7)));
      }
    };
    const hashes = () =>
      readdirSync(folder)
        .filter((name) => name.startsWith('f'))
        .sort()
        .map((name) =>
          createHash('sha256')
            .update(readFileSync(join(folder, name)))
            .digest('hex'),
        );
    mkdirSync(folder, { recursive: true });
    write(65);
    const stored = hashes();
    await backupFiles({ repository: place.repository, source: 'killed', paths: [folder] });
    write(97);
    const former = hashes();
    const args = [
      'restore',
      '-r',
      place.folder,
      '--in-place',
      '--path',
      folder,
      '--overwrite',
      'always',
      '--yes',
      folder,
    ];
    const began = performance.now();
    await lifeboat(args, { env });
    const wholeMs = performance.now() - began;
    expect(hashes()).toEqual(stored);
    for (let kill = 0; kill < kills; kill++) {
      write(97);
      const child = spawnLifeboat(args, { env });
      await setTimeout(wholeMs * (0.4 + (0.6 * (kill + 0.5)) / kills));
      child.kill('SIGKILL');
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
      const after = hashes();
      for (const [number, hash] of after.entries())
        expect([former[number], stored[number]]).toContain(hash);
    }
    const snapshot = await place.repository.findSnapshot('latest');
    const all = { repository: place.repository, snapshot, path: folder, target: folder };
    expect((await restoreFiles(all)).problems).toEqual([]);
    expect(hashes()).toEqual(stored);
    expect(readdirSync(folder)).toHaveLength(300);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
