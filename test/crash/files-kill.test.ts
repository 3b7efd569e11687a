import { spawn } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { Secret } from '../../src/core/index.ts';
import { initRepository, LocalLocation, type Repository } from '../../src/repository/index.ts';
import { restoreFiles } from '../../src/sources/index.ts';
import { temporaryFolder } from '../support/postgres.ts';
import { differences } from './numbered-state.ts';

const kills = process.env.LIFEBOAT_SOAK === '1' ? 200 : 5;
const password = 'pw';

interface Acknowledged {
  readonly id: string;
  readonly state: number;
}

/** Backs up in another process until it is killed, `afterMs` after its start, or after its first snapshot. */
async function backUpUntilKilled(
  args: readonly string[],
  afterMs: number,
  sinceFirst: boolean,
): Promise<Acknowledged[]> {
  const script = join(import.meta.dirname, 'repeat-file-backups.ts');
  const child = spawn(process.execPath, [script, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  const ended = new Promise((resolve) => child.once('close', resolve));
  if (sinceFirst) await new Promise((resolve) => child.stdout.once('data', resolve));
  await new Promise((resolve) => setTimeout(resolve, afterMs));
  child.kill('SIGKILL');
  await ended;
  const lines = output.split('\n').filter((line) => /^[0-9a-f]{64} \d+$/.test(line));
  return lines.map((line) => ({ id: line.slice(0, 64), state: Number(line.slice(65)) }));
}

async function expectRestorable(
  repository: Repository,
  { id, state }: Acknowledged,
  source: string,
  target: string,
): Promise<void> {
  const snapshot = await repository.findSnapshot(id);
  const { problems } = await restoreFiles({ repository, snapshot, path: source, target });
  expect(problems).toEqual([]);
  expect(differences(target, state)).toEqual([]);
  rmSync(target, { recursive: true, force: true });
}

it(`a backup of files killed ${kills} times at random: every acknowledged snapshot restores byte for byte`, async () => {
  const folder = temporaryFolder('files-killed');
  const [stored, source, target] = ['stored', 'source', 'restored'].map((name) =>
    join(folder, name),
  ) as [string, string, string];
  try {
    mkdirSync(source);
    const location = new LocalLocation(stored);
    await using repository = await initRepository({ location, password: new Secret(password) });
    const all: Acknowledged[] = [];
    for (let kill = 0; kill < kills; kill++) {
      const args = [stored, source, password];
      const told = await backUpUntilKilled(args, 500 + Math.random() * 1500, kill % 5 === 0);
      all.push(...told);
      const report = await repository.check({ readData: true });
      expect(report.findings.filter(({ severity }) => severity === 'error')).toEqual([]);
      const present = (await repository.snapshots()).map(({ id }) => id);
      expect(present).toEqual(expect.arrayContaining(all.map(({ id }) => id)));
      for (const each of told.slice(-2)) await expectRestorable(repository, each, source, target);
    }
    expect(all.length).toBeGreaterThan(0);
    // Nothing later harmed what was acknowledged earlier.
    for (const each of all.slice(0, 20)) await expectRestorable(repository, each, source, target);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
