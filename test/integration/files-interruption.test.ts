import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { sleep } from '../../src/core/index.ts';
import { lifeboat, spawnLifeboat } from '../support/command-line.ts';
import { temporaryFolder } from '../support/postgres.ts';

// Goal: who presses Ctrl-C in the first minute of a first backup loses nothing that was stored, and is told. Method: the
// real program, a repository that takes so little a second that there is time.

// So much that, however busy the machine, most is still to be read when the first packs are there.
const [files, fileBytes] = [300, 1_000_000];
let folder: string;
const env = { LIFEBOAT_CACHE_FOLDER: 'off' };
const run = (...args: string[]) => lifeboat(['--json', ...args], { cwd: folder, env });

beforeAll(() => {
  folder = temporaryFolder('interruption');
  mkdirSync(join(folder, 'many'));
  for (let number = 0; number < files; number++) {
    writeFileSync(join(folder, 'many', `file ${number}`), randomBytes(fileBytes));
  }
  mkdirSync(join(folder, 'one'));
  writeFileSync(join(folder, 'one', 'image'), randomBytes(files * fileBytes));
  const repository = (limit: string) =>
    `
name: office
repositories:
  main: { location: main, password: { file: main.password }${limit} }
sources:
  many: { kind: files, paths: [many] }
  one: { kind: files, paths: [one] }
`;
  writeFileSync(join(folder, 'lifeboat.yaml'), repository(''));
  writeFileSync(join(folder, 'slow.yaml'), repository(', upload: 30 MiB'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));
beforeEach(async () => {
  rmSync(join(folder, 'main'), { recursive: true, force: true });
  rmSync(join(folder, 'main.password'), { force: true });
  expect((await run('init', '-r', 'main')).exitCode).toBe(0);
});

function packs(): number {
  const entries = readdirSync(join(folder, 'main', 'data'), { recursive: true }).map(String);
  return entries.filter((name) => /^..\/[0-9a-f]{64}$/.test(name)).length;
}

/** Interrupts a slow backup once some of it is stored. Returns the error that it ends with. */
async function interrupt(source: string, signal: 'SIGINT' | 'SIGTERM') {
  const slow = ['--json', '--config', join(folder, 'slow.yaml'), 'backup', source];
  const child = spawnLifeboat(slow, { cwd: folder, env });
  const exited = once(child, 'exit');
  let output = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    output += chunk;
  });
  while (packs() < 2) await sleep(20);
  child.kill(signal);
  expect((await exited)[0]).toBe(130);
  return JSON.parse(output.trimEnd().split('\n').at(-1) ?? '') as Record<string, unknown>;
}

async function backUp(source: string) {
  const result = await run('backup', source);
  const [summary] = result.records.filter(({ type }) => type === 'backup');
  return summary as { counts: Record<string, number>; bytesStored: number };
}

it('Ctrl-C keeps what is stored, and says so', async () => {
  const error = await interrupt('many', 'SIGINT');
  expect(error).toMatchObject({ code: 'cancelled', message: 'cancelled by SIGINT' });
  const [, kept] =
    /^What was stored is kept \((\d+) files, .* again/.exec(String(error.hint)) ?? [];
  expect(Number(kept), String(error.hint)).toBeGreaterThan(0);
  const listed = (await run('snapshots')).records.filter(({ type }) => type === 'snapshot');
  expect(listed.length).toBeGreaterThan(0);
  for (const { tags } of listed) expect(tags).toContain('lifeboat:checkpoint');
  const { counts } = await backUp('many');
  expect([counts.filesTotal, counts.filesUnmodified]).toEqual([files, Number(kept)]);
  expect((await run('check', '--read-data')).exitCode).toBe(0);
});

it('of a file that is not finished nothing is stored again', async () => {
  const error = await interrupt('one', 'SIGTERM');
  expect(error.message).toBe('cancelled by SIGTERM');
  expect(error.hint).toContain('does not store again what was stored');
  expect((await run('snapshots')).records.filter(({ type }) => type === 'snapshot')).toEqual([]);
  const { bytesStored } = await backUp('one');
  expect(bytesStored).toBeLessThan(files * fileBytes - 8_000_000);
  expect((await run('check', '--read-data')).exitCode).toBe(0);
});
