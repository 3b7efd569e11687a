import { randomBytes } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { lifeboatInProcess } from '../support/in-process.ts';
import { temporaryFolder } from '../support/postgres.ts';

it('counts compression over all that is stored, so that its numbers agree', async () => {
  const folder = temporaryFolder('cli-stats');
  const run = (...args: string[]) =>
    lifeboatInProcess(args, { LIFEBOAT_CACHE_FOLDER: 'off', HOME: folder }, folder);
  mkdirSync(join(folder, 'data'));
  writeFileSync(join(folder, 'data', 'noise'), randomBytes(3_000_000));
  writeFileSync(join(folder, 'data', 'zeros'), Buffer.alloc(1_000_000));
  writeFileSync(join(folder, 'data', 'copy'), Buffer.alloc(1_000_000));
  const setUp = await run('init', '--yes', '--path', 'data', '--location', 'repository');
  expect(setUp.exitCode, setUp.stderr).toBe(0);
  expect((await run('backup')).exitCode).toBe(0);
  const { records } = await run('--json', 'stats');
  const stats = records.find(({ type }) => type === 'stats') as Record<string, unknown>;
  const { bytes, bytesStored } = stats.raw as { bytes: number; bytesStored: number };
  expect(stats.restoreBytes).toBe(5_000_000);
  expect(bytesStored).toBeGreaterThan(3_000_000);
  expect(stats.compressionRatio).toBe(bytes / bytesStored);
  expect(Number(stats.deduplicationRatio) * Number(stats.compressionRatio)).toBeCloseTo(
    Number(stats.restoreRatio),
  );
  const { stdout } = await run('stats');
  const less = (100 * (1 - bytesStored / bytes)).toFixed(1);
  expect(stdout).toMatch(new RegExp(`stored .* ${less}% less`));
  expect(stdout).toContain(`compression: ${(bytes / bytesStored).toFixed(2)} to 1`);
  expect(stdout).toMatch(/as it is +2\.9 MiB/);
  rmSync(folder, { recursive: true });
}, 60_000);
