import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readdirSync, rmSync } from 'node:fs';
import { expect, it } from 'vitest';
import { isLifeboatError } from '../../src/core/index.ts';
import { LocalLocation } from '../../src/repository/index.ts';
import { randomKey } from '../../src/repository/log/log-contract.ts';
import { openLogs } from '../../src/repository/log/open-logs.ts';
import { temporaryFolder } from '../support/postgres.ts';
import { need } from '../support/skip.ts';

/** A file system of 1 MiB, or undefined where mounting is not allowed. */
function smallDisk(): string | undefined {
  const folder = temporaryFolder('small-disk');
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', folder], { stdio: 'ignore' });
    return folder;
  } catch {
    rmSync(folder, { recursive: true });
    return undefined;
  }
}

it('keeps what was acknowledged when the disk of the repository fills up, and goes on when there is room', async (context) => {
  const folder = need(context, smallDisk(), 'may not mount a small file system');
  try {
    const key = randomKey();
    const location = new LocalLocation(folder);
    await location.write('config', 'config', randomBytes(200));
    const log = openLogs(location, key).log('database');
    const bytes = randomBytes(100_000);
    let acknowledged = 0;
    let failure: unknown;
    while (failure === undefined) {
      await log.appendSegment('1', BigInt(acknowledged * bytes.length), bytes).then(
        () => acknowledged++,
        (error: unknown) => {
          failure = error;
        },
      );
    }
    expect(isLifeboatError(failure, 'disk.full')).toBe(true);
    expect(acknowledged).toBeGreaterThan(5);
    const end = BigInt(acknowledged * bytes.length);
    const reader = openLogs(new LocalLocation(folder), key).log('database');
    expect(await reader.coverage()).toEqual([{ stream: '1', start: 0n, end }]);
    await reader.read('1', 0n, end);
    const names = readdirSync(folder, { recursive: true }).map(String);
    expect(names.filter((name) => name.includes('-tmp-'))).toEqual([]);

    execFileSync('mount', ['-o', 'remount,size=2m', folder]);
    await log.appendSegment('1', end, bytes);
    expect(await reader.read('1', end, end + 100_000n)).toEqual(new Uint8Array(bytes));
  } finally {
    execFileSync('umount', [folder]);
    rmSync(folder, { recursive: true });
  }
});
