import { spawn, spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { Secret } from '../../src/core/index.ts';
import { initRepository, LocalLocation, type Repository } from '../../src/repository/index.ts';
import { temporaryFolder } from '../support/postgres.ts';
import { findProgram } from '../support/programs.ts';
import { hashesOf } from '../support/stored-files.ts';

const isSoak = process.env.LIFEBOAT_SOAK === '1';
const kills = isSoak ? 200 : 4;
const stepsBetween = isSoak ? 1 : 17;
const password = 'pw';

/** What was acknowledged and not given up since. */
class Ledger {
  readonly #kept = new Set<string>();

  learn(output: string): void {
    for (const line of output.split('\n')) {
      if (line.length !== 65) continue;
      if (line.startsWith('+')) this.#kept.add(line.slice(1));
      else this.#kept.delete(line.slice(1));
    }
  }

  get kept(): readonly string[] {
    return [...this.#kept];
  }
}

async function runChild(
  folder: string,
  options: { readonly killAfterMs?: number; readonly killAt?: number },
): Promise<{ readonly output: string; readonly wasKilled: boolean }> {
  const script = join(import.meta.dirname, 'repeat-prunes.ts');
  const killAt = options.killAt === undefined ? [] : [String(options.killAt)];
  const child = spawn(process.execPath, [script, folder, password, ...killAt], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  const ended = new Promise<boolean>((resolve) =>
    child.once('close', (_code, signal) => resolve(signal !== null)),
  );
  const { killAfterMs } = options;
  const timer =
    killAfterMs === undefined ? undefined : setTimeout(() => child.kill('SIGKILL'), killAfterMs);
  const wasKilled = await ended;
  clearTimeout(timer);
  return { output, wasKilled };
}

async function expectWhole(repository: Repository, kept: readonly string[]): Promise<void> {
  const report = await repository.check({ readData: true });
  expect(report.findings.filter(({ severity }) => severity === 'error')).toEqual([]);
  const present = (await repository.snapshots()).map(({ id }) => id);
  expect(present).toEqual(expect.arrayContaining([...kept]));
  const newest = kept.at(-1);
  if (newest !== undefined) {
    expect(Object.keys(await hashesOf(repository, newest))).toEqual(['own', 'shared']);
  }
}

function expectStockCheckClean(folder: string): void {
  const restic = findProgram('restic-0.19') ?? findProgram('restic');
  if (restic === undefined) return;
  const environment = { RESTIC_PASSWORD: password, RESTIC_REPOSITORY: folder };
  const env = { ...process.env, ...environment };
  spawnSync(restic, ['unlock'], { env });
  const args = ['check', '--read-data', '--no-cache'];
  const done = spawnSync(restic, args, { env, encoding: 'utf8' });
  expect(done.status, done.stdout + done.stderr).toBe(0);
}

async function withRepository(
  work: (folder: string, repository: Repository) => Promise<void>,
): Promise<void> {
  const folder = temporaryFolder('prune-killed');
  try {
    const location = new LocalLocation(folder);
    await using repository = await initRepository({ location, password: new Secret(password) });
    await work(folder, repository);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

it(`backup and prune killed ${kills} times at random: all that was acknowledged is there`, async () => {
  await withRepository(async (folder, repository) => {
    const ledger = new Ledger();
    for (let kill = 0; kill < kills; kill++) {
      const killAfterMs = 1500 + Math.random() * 3000;
      ledger.learn((await runChild(folder, { killAfterMs })).output);
      await expectWhole(repository, ledger.kept);
      if (kill % 10 === 0) expectStockCheckClean(folder);
    }
    expect(ledger.kept.length).toBeGreaterThan(0);
    await repository.prune({ keepMarkedMs: 0 });
    await expectWhole(repository, ledger.kept);
    expectStockCheckClean(folder);
  });
});

it('prune killed at every step: all that was acknowledged is there, and the next run goes on', async () => {
  await withRepository(async (folder, repository) => {
    const ledger = new Ledger();
    let steps = 0;
    for (let killAt = 1; ; killAt += stepsBetween) {
      const { output, wasKilled } = await runChild(folder, { killAt });
      ledger.learn(output);
      await expectWhole(repository, ledger.kept);
      if (killAt % 10 === 1) expectStockCheckClean(folder);
      if (!wasKilled) break;
      steps++;
      // What it left is tidied up, so that there are as many steps each time.
      await repository.prune({ keepMarkedMs: 0 });
      await expectWhole(repository, ledger.kept);
    }
    expect(steps * stepsBetween).toBeGreaterThan(25);
    await repository.prune({ keepMarkedMs: 0 });
    await expectWhole(repository, ledger.kept);
  });
});
