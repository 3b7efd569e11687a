// kill -9 of the process that drives a run, before, within and behind each of its steps, and the next process goes on: every step is
// done, and none of them twice. Two that begin at once: one wins.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startPostgres, type TestServer, temporaryFolder } from '../support/postgres.ts';
import { embeddedPostgresBin } from '../support/programs.ts';

const kills = process.env.LIFEBOAT_SOAK ? 300 : 20;
const steps = [...'abcdef'].map((id) => ({ id }));
let server: TestServer;
beforeAll(async () => {
  server = await startPostgres({ bin: embeddedPostgresBin(), major: 18 });
});
afterAll(() => server?.[Symbol.asyncDispose]());

function begin(folder: string, state: string, wish = ''): ChildProcess {
  const file = join(import.meta.dirname, 'run-child.ts');
  return spawn(process.execPath, [file, folder, state, wish], { stdio: ['ignore', 'pipe', 2] });
}

/** Lines of the child until its end; killed behind line number `killAt`. */
async function linesOf(child: ChildProcess, killAt = Number.POSITIVE_INFINITY) {
  const lines: string[] = [];
  let rest = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    const parts = (rest + chunk.toString()).split('\n');
    rest = parts.pop() as string;
    for (const line of parts) {
      lines.push(line);
      if (lines.length === killAt) child.kill('SIGKILL');
    }
  });
  await new Promise((resolve) => child.once('close', resolve));
  return lines;
}

function newPlace(): string {
  const folder = temporaryFolder('run-kill');
  mkdirSync(join(folder, 'state'));
  writeFileSync(join(folder, 'steps.json'), JSON.stringify(steps));
  return folder;
}

const ledgerOf = (folder: string) => {
  try {
    return readFileSync(join(folder, 'ledger'), 'utf8').trim().split('\n');
  } catch {
    return [];
  }
};

it.each(['sqlite', 'postgres'])('goes on behind %s after each kill', async (kind) => {
  const count = kills / 2;
  let killed = 0;
  for (let round = 0; killed < count; round++) {
    const folder = newPlace();
    writeFileSync(join(folder, 'go'), '');
    const database = `state_${kind}_${round}`;
    if (kind === 'postgres') await server.query(`create database ${database}`);
    const state = kind === 'postgres' ? server.url(database) : join(folder, 'state', 'runs.db');
    for (let life = 0; ; life++) {
      // Each life comes one point further than the former one, until the lines are over.
      const isLast = killed >= count || life > 30;
      const lines = await linesOf(
        begin(folder, state),
        isLast ? undefined : 2 + ((round + life) % 5),
      );
      const end = lines.find((line) => /^(ended|error)/.test(line));
      if (end) {
        expect(end).toBe('ended done');
        break;
      }
      killed++;
      const done = ledgerOf(folder);
      expect(new Set(done).size, done.join()).toBe(done.length);
    }
    expect(ledgerOf(folder)).toEqual(steps.map(({ id }) => `did ${id}`));
    rmSync(folder, { recursive: true, force: true });
  }
});

it.each(['sqlite', 'postgres'])('lets one of two that begin at once win: %s', async (kind) => {
  const folder = newPlace();
  if (kind === 'postgres') await server.query('create database race');
  const state = kind === 'postgres' ? server.url('race') : join(folder, 'state', 'runs.db');
  const children = [1, 2].map(() => begin(folder, state, 'start'));
  const both = children.map((child) => linesOf(child));
  await Promise.all(
    children.map((child) => new Promise((ready) => child.stdout?.once('data', ready))),
  );
  writeFileSync(join(folder, 'go'), '');
  const ends = (await Promise.all(both))
    .map((lines) => lines.find((line) => /^(ended|error)/.test(line)))
    .sort();
  expect(ends).toEqual(['ended done', 'error run.busy']);
  expect(ledgerOf(folder)).toEqual(steps.map(({ id }) => `did ${id}`));
  rmSync(folder, { recursive: true, force: true });
});
