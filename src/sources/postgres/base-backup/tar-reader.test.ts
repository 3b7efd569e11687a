import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fuzzRuns } from '../../../../test/support/fuzz.ts';
import { temporaryFolder } from '../../../../test/support/postgres.ts';
import { LifeboatError } from '../../../core/index.ts';
import type { TarHeader } from './tar-header.ts';
import { TarReader } from './tar-reader.ts';

interface Entry extends TarHeader {
  data: string;
}

function readTar(archive: Uint8Array, pieceBytes = archive.length): Entry[] {
  const entries: Entry[] = [];
  let parts: Buffer[] = [];
  const reader = new TarReader({
    onEntry: (header) => void entries.push({ ...header, data: '' }),
    onData: (bytes) => void parts.push(Buffer.from(bytes)),
    onEntryEnd: () => {
      (entries.at(-1) as Entry).data = Buffer.concat(parts).toString();
      parts = [];
    },
  });
  for (let at = 0; at < archive.length; at += pieceBytes) {
    reader.push(archive.subarray(at, at + pieceBytes));
  }
  reader.end();
  return entries;
}

const longName = `${'n'.repeat(90)}-${'m'.repeat(90)}`;

function archiveOf(format: string): Buffer {
  const folder = temporaryFolder('tar');
  try {
    mkdirSync(join(folder, 'base'), { mode: 0o700 });
    writeFileSync(join(folder, 'base', '1234'), 'x'.repeat(1000), { mode: 0o600 });
    writeFileSync(join(folder, 'base', 'empty'), '');
    writeFileSync(join(folder, 'base', 'block'), 'y'.repeat(512));
    if (format !== 'v7' && format !== 'ustar') writeFileSync(join(folder, 'base', longName), 'z');
    symlinkSync('/somewhere/else', join(folder, 'link'));
    return execFileSync('tar', [
      '-c',
      '--format',
      format,
      '--sort=name',
      '-C',
      folder,
      'base',
      'link',
    ]);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe('tar reader', () => {
  it('reads what tar writes, in pieces of any size', () => {
    for (const format of ['ustar', 'gnu', 'pax']) {
      const archive = archiveOf(format);
      for (const pieceBytes of [archive.length, 512, 511, 1, 700]) {
        const entries = readTar(archive, pieceBytes);
        const byName = new Map(entries.map((entry) => [entry.path, entry]));
        expect(byName.get('base/')).toMatchObject({ type: '5', mode: 0o700 });
        expect(byName.get('base/1234')).toMatchObject({ type: '0', mode: 0o600, sizeBytes: 1000 });
        expect(byName.get('base/1234')?.data).toBe('x'.repeat(1000));
        expect(byName.get('base/block')?.data).toBe('y'.repeat(512));
        expect(byName.get('base/empty')?.data).toBe('');
        expect(byName.get('link')).toMatchObject({ type: '2', linkTarget: '/somewhere/else' });
        if (format !== 'ustar') expect(byName.get(`base/${longName}`)?.data).toBe('z');
      }
    }
  });

  it('takes an archive without the zero blocks at its end, as servers up to 14 send it', () => {
    const archive = archiveOf('ustar');
    const entries = readTar(archive);
    let end = archive.length;
    while (archive.subarray(end - 512, end).every((byte) => byte === 0)) end -= 512;
    expect(readTar(archive.subarray(0, end))).toEqual(entries);
  });

  it('refuses an archive that was cut or altered', () => {
    const archive = archiveOf('ustar');
    expect(() => readTar(archive.subarray(0, 700))).toThrow(/ends in the middle/);
    expect(() => readTar(archive.subarray(0, 512 + 512 + 800))).toThrow(/ends in the middle/);
    const altered = Buffer.from(archive);
    altered[3] = (altered[3] as number) ^ 1;
    expect(() => readTar(altered)).toThrow(/checksum/);
    expect(() => readTar(Buffer.concat([archive, Buffer.alloc(512, 1)]))).toThrow(/follow/);
    expect(() => readTar(Buffer.concat([Buffer.alloc(512), archive]))).toThrow(/follows its end/);
  });

  it('reads sizes of 8 GiB and more', () => {
    const header = Buffer.from(archiveOf('gnu').subarray(0, 512));
    header[156] = 0x30;
    header.fill(0, 124, 136);
    header.writeUInt8(0x80, 124);
    header.writeBigUInt64BE(12_345_678_901n, 128);
    header.write('        ', 148);
    const sum = header.reduce((total, byte) => total + byte, 0);
    header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
    let size = 0;
    new TarReader({
      onEntry: (entry) => {
        size = entry.sizeBytes;
      },
      onData() {},
      onEntryEnd() {},
    }).push(header);
    expect(size).toBe(12_345_678_901);
  });

  it('answers hostile bytes with our error or with entries, never otherwise', () => {
    const valid = archiveOf('pax');
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(valid.length - 1), fc.nat(255)), { minLength: 1, maxLength: 20 }),
        fc.integer({ min: 1, max: 2000 }),
        fc.boolean(),
        (changes, pieceBytes, repairChecksums) => {
          const bytes = Buffer.from(valid);
          for (const [at, value] of changes) bytes[at] = value;
          if (repairChecksums) {
            for (let at = 0; at + 512 <= bytes.length; at += 512) {
              if (bytes.toString('latin1', at + 257, at + 262) !== 'ustar') continue;
              bytes.fill(0x20, at + 148, at + 156);
              const sum = bytes.subarray(at, at + 512).reduce((total, byte) => total + byte, 0);
              bytes.write(`${sum.toString(8).padStart(6, '0')}\0 `, at + 148);
            }
          }
          try {
            readTar(bytes, pieceBytes);
          } catch (error) {
            expect(error).toBeInstanceOf(LifeboatError);
          }
        },
      ),
      { numRuns: fuzzRuns(300) },
    );
  });
});
