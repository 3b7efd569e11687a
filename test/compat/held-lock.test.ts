import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sleep } from '../../src/core/index.ts';
import { lifeboat, spawnLifeboat, untilRecord } from '../support/command-line.ts';
import { temporaryFolder } from '../support/postgres.ts';
import { findProgram } from '../support/programs.ts';
import { need } from '../support/skip.ts';

// Goal: a backup beside a lock that stock restic really holds names the holder, waits as long as it was told to, and goes on
// or ends with 11. Method: a prune of restic that is stopped (SIGSTOP) while it holds its exclusive lock.

const password = 'geheim';
let folder: string;
const env = { LIFEBOAT_CACHE_FOLDER: 'off', LIFEBOAT_PASSWORD: password };
const run = (...args: string[]) => lifeboat(['--json', ...args], { cwd: folder, env });
const locks = () =>
  readdirSync(join(folder, 'main', 'locks')).filter((name) => /^[0-9a-f]{64}$/.test(name));

beforeAll(async () => {
  folder = temporaryFolder('held-lock');
  mkdirSync(join(folder, 'documents'));
  writeFileSync(join(folder, 'documents', 'letter'), 'Dear Ada');
  const configuration = `
name: office
repositories:
  main: { location: main, password: { env: LIFEBOAT_PASSWORD } }
sources:
  documents: { kind: files, paths: [documents] }
`;
  writeFileSync(join(folder, 'lifeboat.yaml'), configuration);
  const made = await run('init', '-r', 'main');
  expect(made.exitCode, made.stdout).toBe(0);
  const first = await run('backup');
  expect(first.exitCode, first.stdout).toBe(0);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A prune of restic that stands still with its lock. */
async function stoppedPrune(program: string): Promise<ChildProcess> {
  const child = spawn(program, ['prune', '--no-cache'], {
    env: { ...process.env, RESTIC_PASSWORD: password, RESTIC_REPOSITORY: join(folder, 'main') },
    stdio: 'ignore',
  });
  // It looks for other locks for a while longer after it has written its own.
  while (locks().length === 0) {
    expect(child.exitCode, 'restic ended before it was stopped').toBe(null);
    await sleep(2);
  }
  child.kill('SIGSTOP');
  await sleep(50);
  expect(locks()).toHaveLength(1);
  return child;
}

function waitingBackup() {
  const child = spawnLifeboat(['--json', 'backup', '--wait', '2m'], { cwd: folder, env });
  const exited = once(child, 'exit').then(([code]) => code as number);
  const waits = untilRecord(child, (record) => String(record.message).includes('; waiting for up'));
  return { exited, waits };
}

describe.each(['restic', 'restic-0.19'])('beside a prune of %s', (name) => {
  it('names who holds the lock, and ends with 11 when the time is up', async (context) => {
    const prune = await stoppedPrune(need(context, findProgram(name), `${name} is not on PATH`));
    const ended = once(prune, 'exit');
    try {
      for (const args of [['backup'], ['backup', '--wait', '1s']]) {
        const refused = await run(...args);
        expect(refused.exitCode).toBe(11);
        const error = refused.records.at(-1);
        expect(error).toMatchObject({ code: 'repository.locked' });
        expect(error?.message).toContain(hostname());
        expect(error?.message).toContain(String(prune.pid));
        const notes = refused.records.filter(({ message }) => /; waiting for/.test(`${message}`));
        expect(notes).toHaveLength(args.length > 1 ? 1 : 0);
      }
      // Ours is gone, its own is left alone.
      expect(locks()).toHaveLength(1);
    } finally {
      prune.kill('SIGCONT');
      await ended;
    }
    expect(locks()).toEqual([]);
  });

  it('goes on when the lock is released, or its holder has died', async (context) => {
    const program = need(context, findProgram(name), `${name} is not on PATH`);
    for (const signal of ['SIGCONT', 'SIGKILL'] as const) {
      const prune = await stoppedPrune(program);
      const ended = once(prune, 'exit');
      const { exited, waits } = waitingBackup();
      expect(String((await waits).message)).toContain(String(prune.pid));
      prune.kill(signal);
      await ended;
      expect(await exited).toBe(0);
      expect(locks()).toEqual([]);
    }
    expect((await run('check', '--read-data')).exitCode).toBe(0);
  });
});
