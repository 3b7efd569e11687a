import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { crc32c } from '../../wal/index.ts';
import type { PlaceUnderTest } from './ground-contract.ts';

/** What every place for trees says of the cluster that lies in it. */
export function testClusterThere(place: () => PlaceUnderTest): void {
  const control = () => join(place().folder, 'global/pg_control');
  const put = (bytes: Uint8Array) => {
    mkdirSync(join(place().folder, 'global'), { recursive: true });
    writeFileSync(control(), bytes, { mode: 0o600 });
  };

  it('says which cluster lies there, and changes nothing for that', async () => {
    put(controlFile(7_412_345_678_901_234_567n));
    const { mtimeMs, ino } = statSync(control());
    expect(await place().ground.contents()).toEqual({
      isEmpty: false,
      systemId: '7412345678901234567',
    });
    expect(readFileSync(control())).toEqual(controlFile(7_412_345_678_901_234_567n));
    expect(statSync(control())).toMatchObject({ mtimeMs, ino });
    put(controlFile(2n ** 64n - 1n));
    expect(await place().ground.contents()).toMatchObject({ systemId: '18446744073709551615' });
    put(controlFile(7n, 'BE'));
    expect(await place().ground.contents()).toMatchObject({ systemId: '7' });
  });

  it('says of no cluster that is not told for certain which it is', async () => {
    const whole = controlFile(7n);
    for (const bytes of [
      Buffer.alloc(0),
      whole.subarray(0, 8),
      Buffer.alloc(8192),
      // Half of another state: its checksum fails.
      Buffer.concat([controlFile(8n).subarray(0, 100), whole.subarray(100)]),
    ]) {
      put(bytes);
      expect(await place().ground.contents()).toEqual({ isEmpty: false });
    }
    // Whoever writes there may have put anything in its place.
    writeFileSync(join(place().folder, 'elsewhere'), whole);
    for (const make of [
      () => mkdirSync(control()),
      () => symlinkSync('../elsewhere', control()),
      () => symlinkSync('/dev/zero', control()),
      () => execFileSync('mkfifo', [control()]),
    ]) {
      rmSync(control(), { recursive: true });
      make();
      expect(await place().ground.contents()).toEqual({ isEmpty: false });
    }
  });
}

/** A `pg_control` with its checksum after 288 bytes, as that of PostgreSQL 15. */
function controlFile(systemId: bigint, order: 'LE' | 'BE' = 'LE'): Buffer {
  const bytes = Buffer.alloc(8192);
  bytes[`writeBigUInt64${order}`](systemId, 0);
  bytes[`writeUInt32${order}`](1300, 8);
  bytes[`writeUInt32${order}`](crc32c(bytes.subarray(0, 288)), 288);
  return bytes;
}
