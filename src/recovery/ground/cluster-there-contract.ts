import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { controlFile } from '../../../test/support/control-file.ts';
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

  it('says that there is no cluster only where all that could be one was seen', async () => {
    const { folder, ground } = place();
    const write = (path: string) => {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), 'text');
    };
    write('notes/today/PG_VERSION');
    const surely = { isEmpty: false, hasNoCluster: true };
    expect(await ground.contents()).toEqual(surely);
    // The setting names the folder around the data directory, as in the image of PostgreSQL 18.
    for (const path of ['PG_VERSION', '18/docker/global/pg_control', 'pgdata/global/pg_control']) {
      write(path);
      expect(await ground.contents(), path).toEqual({ isEmpty: false });
      rmSync(join(folder, path));
      expect(await ground.contents()).toEqual(surely);
    }
    // What an older recovery put aside is in use no more.
    for (const home of ['.lifeboat', 'pgsql_tmp.lifeboat']) write(`${home}/former/pg_control`);
    expect(await ground.contents()).toEqual(surely);
  });
}
