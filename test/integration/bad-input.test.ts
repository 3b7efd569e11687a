import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { CommandResult } from '../support/command-line.ts';
import { type Installation, installation } from '../support/installation.ts';

// Goal: a place that cannot be opened gets its own exit code, a fact and a hint, and stays exactly as it was. Method:
// every command that opens a repository, with the real command line, on each wrong place.

/** Names and contents of every file below a folder. */
function fingerprint(folder: string): string {
  const hash = createHash('sha256');
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })
    .map((each) => join(each.parentPath, each.name) + (each.isDirectory() ? '/' : ''))
    .sort()) {
    hash.update(entry);
    if (!entry.endsWith('/')) hash.update(readFileSync(entry));
  }
  return hash.digest('hex');
}

const commands = [
  ['check'],
  ['check', '--read-data'],
  ['backup'],
  ['serve'],
  ['points'],
  ['find-loss'],
  ['restore', '--to', 'restored'],
  ['open'],
  ['rescue', '--xid', '784'],
] as const;

async function expectRefusal(
  place: Installation,
  wanted: { readonly code: string; readonly exitCode: number },
  which: readonly (readonly string[])[] = commands,
): Promise<readonly CommandResult[]> {
  const before = fingerprint(place.folder);
  const results: CommandResult[] = [];
  for (const [command, ...args] of which) {
    const result = await place.run(command as string, ...args);
    expect(result.records.at(-1), command).toMatchObject({
      type: 'error',
      ...wanted,
      message: expect.stringMatching(/^[^A-Z].*[^.]$/),
      hint: expect.stringMatching(/\.$/),
    });
    expect(result.exitCode, command).toBe(wanted.exitCode);
    expect(result.stderr).toBe('');
    expect(result.stdout).not.toMatch(/\n\s+at /);
    results.push(result);
  }
  expect(fingerprint(place.folder)).toBe(before);
  return results;
}

it('a wrong password ends every command with 12', async () => {
  await using place = await installation();
  place.configure({ password: 'wrong horse' });
  const [first] = await expectRefusal(place, { code: 'repository.wrong-password', exitCode: 12 });
  expect(first?.stdout).not.toContain('horse');
  place.configure({});
  expect((await place.run('check')).exitCode).toBe(0);
});

it('a folder that is no repository ends every command with 10', async () => {
  await using place = await installation({ withoutRepository: true });
  mkdirSync(place.repositoryFolder);
  writeFileSync(join(place.repositoryFolder, 'holiday.jpg'), 'a picture');
  const [first] = await expectRefusal(place, { code: 'repository.missing', exitCode: 10 });
  expect(first?.stdout).toContain(place.repositoryFolder);
});

it('a folder that does not exist ends with 10, and is not made', async () => {
  await using place = await installation({ withoutRepository: true });
  await expectRefusal(place, { code: 'repository.missing', exitCode: 10 }, [['check'], ['backup']]);
});

it('a half-created repository ends with 10, and can be finished by nothing but init', async () => {
  await using place = await installation();
  rmSync(join(place.repositoryFolder, 'config'));
  await expectRefusal(place, { code: 'repository.half-created', exitCode: 10 }, [
    ['check'],
    ['backup'],
    ['serve'],
    ['restore', '--to', 'restored'],
  ]);
});

it('doctor names an unusable repository as a problem, with a remedy', async () => {
  await using place = await installation({ withoutRepository: true });
  const result = await place.run('doctor');
  expect(result.exitCode).toBe(1);
  expect(result.records).toContainEqual(
    expect.objectContaining({
      type: 'finding',
      about: 'repository main',
      outcome: 'problem',
      fact: expect.stringContaining('there is no repository'),
      remedy: expect.stringContaining('lifeboat init'),
    }),
  );
});
