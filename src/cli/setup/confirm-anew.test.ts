import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { temporaryFolder } from '../../../test/support/postgres.ts';
import { LocalLocation } from '../../repository/index.ts';
import type { CommandContext } from '../command.ts';
import { confirmAnew } from './confirm-anew.ts';

let folder: string;
beforeEach(() => {
  folder = temporaryFolder('anew');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** `typed`: at a terminal. What was asked and told there. */
async function confirm(typed: string, known: string): Promise<readonly string[]> {
  const address = join(folder, 'backups');
  const stateFolder = join(folder, 'state');
  mkdirSync(stateFolder, { recursive: true });
  const notes = { 'lifeboat.yaml': { main: { location: known, fingerprint: 'x' } } };
  writeFileSync(join(stateFolder, 'stored-configuration.json'), JSON.stringify(notes));
  const told: string[] = [];
  const ask = {
    async text(question: string) {
      told.push(question);
      return typed;
    },
  };
  const output = { warn: (...texts: string[]) => void told.push(texts.join(' ')) };
  const context = { environment: {}, ask, output } as unknown as CommandContext;
  const location = new LocalLocation(address);
  await confirmAnew(context, { name: 'main', address, location, stateFolder, yes: undefined });
  return told;
}

it('asks at a terminal for the name of a repository that this host has used, written in any way', async () => {
  const known = `${folder}/backups/`;
  expect(await confirm('main', known)).toEqual([
    expect.stringMatching(/has used the repository "main".+Is its disk not mounted\?/),
    expect.stringContaining('type the name of the repository (main)'),
  ]);
  await expect(confirm('yes', known)).rejects.toMatchObject({ code: 'confirmation.missing' });
});

it('asks nothing of a place that this host has never used', async () => {
  expect(await confirm('', join(folder, 'elsewhere'))).toEqual([]);
});
