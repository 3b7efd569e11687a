import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { temporaryFolder } from '../../../../test/support/postgres.ts';
import { createScratchFolder, removeScratchFolder } from './scratch-folder.ts';

let parent: string;
beforeEach(() => {
  parent = temporaryFolder('scratch');
});
afterEach(() => rmSync(parent, { recursive: true, force: true }));

/** What could be left by a process that is killed while this goes on: looked at in every turn of the event loop. */
async function leftDuring(work: Promise<unknown>): Promise<ReadonlySet<string>> {
  const seen = new Set<string>();
  let isOver = false;
  const over = work.finally(() => {
    isOver = true;
  });
  while (!isOver) {
    for (const name of readdirSync(parent)) {
      const has = (entry: string) => existsSync(join(parent, name, entry));
      seen.add(`${has('lifeboat-scratch') ? 'marked' : 'unmarked'}${has('data') ? ', data' : ''}`);
    }
    await new Promise(setImmediate);
  }
  await over;
  return seen;
}

it('is known to the sweep from its first moment to its last', async () => {
  const making = createScratchFolder(parent, undefined);
  expect(await leftDuring(making)).not.toContain('unmarked');
  const dataFolder = await making;
  mkdirSync(join(dataFolder, 'base'));
  for (let at = 0; at < 50; at++) writeFileSync(join(dataFolder, 'base', String(at)), '');
  const seen = await leftDuring(removeScratchFolder(dataFolder));
  expect(seen).toContain('marked, data');
  for (const each of seen) expect(each).toMatch(/^marked/);
  expect(readdirSync(parent)).toEqual([]);
});
