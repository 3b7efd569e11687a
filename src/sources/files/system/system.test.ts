import { execFileSync } from 'node:child_process';
import {
  closeSync,
  lstatSync,
  mkdtempSync,
  openSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import {
  getXattr,
  listXattrs,
  makeNode,
  nextData,
  nextHole,
  removeXattr,
  setTimesNs,
  setXattr,
} from './index.ts';

const folder = mkdtempSync(join(tmpdir(), 'lifeboat-system-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const pathOf = (name: string) => Buffer.from(join(folder, name));

describe.skipIf(process.platform !== 'linux')('system calls', () => {
  it('write, list, read and remove extended attributes', () => {
    const path = pathOf('attributes');
    writeFileSync(path, '');
    expect(listXattrs(path)).toEqual([]);
    const large = Buffer.alloc(3000, 'v');
    setXattr(path, 'user.one', Buffer.of(0, 255, 0));
    setXattr(path, 'user.zwei-ü', large);
    expect(listXattrs(path).sort()).toEqual(['user.one', 'user.zwei-ü']);
    expect(getXattr(path, 'user.one')).toEqual(Buffer.of(0, 255, 0));
    expect(getXattr(path, 'user.zwei-ü')).toEqual(large);
    removeXattr(path, 'user.one');
    removeXattr(path, 'user.one');
    expect(getXattr(path, 'user.one')).toBeUndefined();
  });

  it('fail as the file functions of Node do', () => {
    const missing = expect.objectContaining({ code: 'ENOENT' });
    const call = (work: () => unknown) => {
      try {
        return work();
      } catch (error) {
        return error;
      }
    };
    expect(call(() => listXattrs(pathOf('none')))).toEqual(missing);
    expect(call(() => setTimesNs(pathOf('none'), 0n, 0n))).toEqual(missing);
    expect(call(() => makeNode(pathOf('none/x'), 'fifo', 0o600))).toEqual(missing);
  });

  it('set times to the nanosecond, also before 1970, also of a link', () => {
    symlinkSync('nowhere', pathOf('link'));
    writeFileSync(pathOf('file'), '');
    for (const name of ['link', 'file']) {
      for (const ns of [
        1_234_567_890_123_456_789n,
        -1n,
        -1_500_000_000n,
        4_200_000_000_000_000_001n,
      ]) {
        setTimesNs(pathOf(name), ns + 7n, ns);
        const { mtimeNs, atimeNs } = lstatSync(pathOf(name), { bigint: true });
        expect([atimeNs, mtimeNs]).toEqual([ns + 7n, ns]);
      }
    }
  });

  it('make a FIFO', () => {
    makeNode(pathOf('fifo'), 'fifo', 0o640);
    expect(lstatSync(pathOf('fifo')).isFIFO()).toBe(true);
  });

  it('find data and holes', () => {
    const path = pathOf('sparse').toString();
    writeFileSync(path, '');
    truncateSync(path, 10_000_000);
    const fd = openSync(path, 'r+');
    try {
      if (nextHole(fd, 0) === 10_000_000) return; // a file system without holes
      writeSync(fd, Buffer.alloc(4096, 1), 0, 4096, 4_194_304);
      execFileSync('sync', ['-d', path]);
      expect(nextData(fd, 0)).toBe(4_194_304);
      expect(nextHole(fd, 4_194_304)).toBe(4_198_400);
      expect(nextData(fd, 4_198_400)).toBeUndefined();
      expect(nextHole(fd, 10_000_000)).toBeUndefined();
    } finally {
      closeSync(fd);
    }
  });
});
