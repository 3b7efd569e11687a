// `--snapshot` where there is no log: the snapshot that was named, or an error; never the newest instead.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Plan } from '../../src/recovery/index.ts';
import { type FilesInstallation, filesInstallation } from '../support/files-installation.ts';

let place: FilesInstallation;
let first: string;
let second: string;
let ofOther: string;

beforeEach(async () => {
  place = await filesInstallation('uploads', `  other: { kind: files, paths: [other] }\n`);
  mkdirSync(join(place.config, '../other'));
  writeFileSync(join(place.config, '../other/file'), 'other');
  const backup = async (source: string) => {
    const { records, stdout } = await place.run('backup', source);
    const { snapshot } = records.find(({ type }) => type === 'backup') ?? {};
    expect(snapshot, stdout).toMatch(/^[0-9a-f]{64}$/);
    return snapshot as string;
  };
  writeFileSync(join(place.source, 'page'), 'one');
  first = await backup('uploads');
  writeFileSync(join(place.source, 'page'), 'two');
  second = await backup('uploads');
  ofOther = await backup('other');
  rmSync(join(place.source, 'page'));
});
afterEach(async () => {
  await place[Symbol.asyncDispose]();
});

const planned = async (...args: string[]) => {
  const { exitCode, records, stdout } = await place.run('plan', ...args);
  const plan = records.find(({ type }) => type === 'plan') as unknown as Plan;
  const restored = plan?.steps.find(({ kind }) => kind === 'restore-files')?.input.snapshot;
  const error = records.find(({ type }) => type === 'error');
  return { exitCode, reasons: plan?.reasons.join('\n'), restored, error, stdout };
};

describe('a plan to a snapshot of files', () => {
  it('goes to that one, also by a part of its id, and says so', async () => {
    const { exitCode, restored, reasons, stdout } = await planned(
      'uploads',
      '--snapshot',
      first.slice(0, 8),
    );
    expect([exitCode, restored], stdout).toEqual([0, first]);
    expect(reasons).toContain(`a moment was named: snapshot ${first.slice(0, 8)} of`);
    expect(stdout).not.toContain('the newest state there is');
  });

  it('takes the newest of the source for latest', async () => {
    expect(await planned('uploads', '--snapshot', 'latest')).toMatchObject({
      exitCode: 0,
      restored: second,
    });
  });

  it.each([
    ['that is none', () => ['uploads', '--snapshot', 'zzz'], 'repository.snapshot-missing'],
    [
      'that is not there',
      () => ['uploads', '--snapshot', '0123456789'],
      'repository.snapshot-missing',
    ],
    ['of another source', () => ['uploads', '--snapshot', ofOther], 'repository.snapshot-missing'],
    ['of nobody knows which of several sources', () => ['--snapshot', first], 'usage.invalid'],
    [
      'and a time',
      () => ['uploads', '--snapshot', first, '--at', '2026-11-21 14:29 UTC'],
      'usage.invalid',
    ],
  ])('refuses one %s', async (_, args, code) => {
    const { exitCode, error, stdout } = await planned(...args());
    expect(exitCode, stdout).not.toBe(0);
    expect(error).toMatchObject({ code });
  });
});
