import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { Secret } from '../../src/core/index.ts';
import { initRepository, LocalLocation } from '../../src/repository/index.ts';
import { temporaryFolder } from '../support/postgres.ts';

const kills = process.env.LIFEBOAT_SOAK === '1' ? 50 : 5;
const password = 'pw';

/** Backs up in another process until it is killed, `afterMs` after its start, or after its first snapshot. */
async function backUpUntilKilled(
  folder: string,
  afterMs: number,
  sinceFirst: boolean,
): Promise<string[]> {
  const script = join(import.meta.dirname, 'repeat-backups.ts');
  const child = spawn(process.execPath, [script, folder, password], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  const ended = new Promise((resolve) => child.once('close', resolve));
  if (sinceFirst) await new Promise((resolve) => child.stdout.once('data', resolve));
  await new Promise((resolve) => setTimeout(resolve, 300 + afterMs));
  child.kill('SIGKILL');
  await ended;
  return output.split('\n').filter((line) => line.length === 64);
}

it(`killed ${kills} times at random, a repository holds all that was published, and checks clean`, async () => {
  const folder = temporaryFolder('killed');
  try {
    const location = new LocalLocation(folder);
    await using repository = await initRepository({ location, password: new Secret(password) });
    const published: string[] = [];
    for (let kill = 0; kill < kills; kill++) {
      published.push(...(await backUpUntilKilled(folder, Math.random() * 1500, kill === 0)));
      const report = await repository.check({ readData: true });
      expect(report.findings.filter(({ severity }) => severity === 'error')).toEqual([]);
      const present = (await repository.snapshots()).map(({ id }) => id);
      expect(present).toEqual(expect.arrayContaining(published));
    }
    expect(published.length).toBeGreaterThan(0);
    // The locks of the killed were recognised as stale and removed.
    expect(await location.list('locks')).toEqual([]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
