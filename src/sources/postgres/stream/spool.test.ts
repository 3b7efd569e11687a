import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { temporaryFolder } from '../../../../test/support/postgres.ts';
import { lsn } from '../../../wal/index.ts';
import { Spool } from './spool.ts';
import { readSpool } from './spool-reader.ts';

const sizeBytes = 2 ** 20;
const first = BigInt(sizeBytes);
const noConflict = () => Promise.reject(new Error('a conflict'));
const pattern = (length: number, seed: number) =>
  Buffer.from(Array.from({ length }, (_, index) => (index * 31 + seed) & 0xff));

describe('spool', () => {
  let folder: string;
  beforeEach(() => {
    folder = temporaryFolder('spool');
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const begin = async (spool: Spool) => {
    await spool.claim('42', sizeBytes);
    await spool.begin(spool.continuation(() => false) ?? { timeline: 1, start: lsn(first) });
  };

  it('cuts what it is given into segments and gives it back', async () => {
    const bytes = pattern(sizeBytes * 2 + 5000, 1);
    {
      await using spool = await Spool.open(folder);
      await begin(spool);
      for (let at = 0; at < bytes.length; at += 100_000) {
        await spool.append(first + BigInt(at), bytes.subarray(at, at + 100_000), noConflict);
      }
      await spool.sync();
      expect(spool.written).toBe(first + BigInt(bytes.length));
      expect(spool.bytesHeld).toBe(bytes.length);
    }
    const reader = await readSpool(folder);
    const end = first + BigInt(bytes.length);
    expect(await reader?.spans()).toEqual([{ timeline: 1, start: first, end }]);
    const part = await reader?.read(1, first + 77n, end - 3n);
    expect(Buffer.from(part as Uint8Array).equals(bytes.subarray(77, bytes.length - 3))).toBe(true);
    await expect(reader?.read(1, first, end + 1n)).rejects.toMatchObject({
      code: 'log.gap',
      context: { position: `0/${end.toString(16).toUpperCase()}` },
    });
    await expect(reader?.read(2, first, end)).rejects.toMatchObject({ code: 'log.gap' });
  });

  it('lets go of a timeline that was given up once the repository has it', async () => {
    const isGivenUp = (timeline: number) => timeline === 2;
    const bytes = pattern(5000, 3);
    {
      await using spool = await Spool.open(folder);
      await begin(spool);
      await spool.append(first, bytes, noConflict);
      await spool.sync();
      await spool.endTimeline();
      await spool.begin({ timeline: 2, start: lsn(first) });
      await spool.append(first, bytes, noConflict);
      await spool.continueAt({ timeline: 2, start: lsn(first) });
    }
    // Killed: of the last file nobody knows whether it is whole.
    await using spool = await Spool.open(folder);
    expect(spool.continuation(() => false)).toEqual({ timeline: 2, start: first });
    expect(spool.continuation(isGivenUp)).toEqual({ timeline: 1, start: first });
    const [left] = await spool.endGivenUp(isGivenUp);
    expect(left).toMatchObject({ timeline: 2, synced: first + 5000n, whole: true });
    expect(await spool.removeGivenUp(isGivenUp)).toBe(false);
    expect(spool.segments.map(({ timeline }) => timeline)).toEqual([1, 2]);
    if (left) left.covered = first + 5000n;
    expect(await spool.removeGivenUp(isGivenUp)).toBe(true);
    expect(spool.segments.map(({ timeline }) => timeline)).toEqual([1]);
    expect(spool.continuation(() => false)).toEqual({ timeline: 1, start: first });
  });

  it('vouches for the newest file only after it was compared', async () => {
    const bytes = pattern(3000, 2);
    {
      await using spool = await Spool.open(folder);
      await begin(spool);
      await spool.append(first, bytes, noConflict);
    }
    await using spool = await Spool.open(folder);
    await begin(spool);
    expect(spool.written).toBe(first);
    await spool.append(first, bytes.subarray(0, 1000), noConflict);
    await spool.sync();
    expect(spool.written).toBe(first + 1000n);
    await spool.append(first + 1000n, bytes.subarray(1000), noConflict);
    await spool.append(first + 3000n, pattern(10, 3), noConflict);
    await spool.sync();
    expect(spool.written).toBe(first + 3010n);
  });

  it('never overwrites other bytes, and keeps them when it is told to go on', async () => {
    const old = pattern(3000, 2);
    const path = join(folder, '00000001', '000000010000000000000001');
    {
      await using spool = await Spool.open(folder);
      await begin(spool);
      await spool.append(first, old, noConflict);
    }
    await using spool = await Spool.open(folder);
    await begin(spool);
    await spool.append(first, old.subarray(0, 500), noConflict);
    const other = pattern(2000, 9);
    await expect(spool.append(first + 500n, other, noConflict)).rejects.toThrow('a conflict');
    expect(readFileSync(path).equals(old)).toBe(true);
    await spool.append(first + 500n, other, async (segment) => void (await segment.setAside()));
    expect(readFileSync(`${path}.conflict-1`).equals(old)).toBe(true);
    expect(readFileSync(path).equals(Buffer.concat([old.subarray(0, 500), other]))).toBe(true);
  });

  it('keeps the file that is set aside whole while a sync runs', async () => {
    for (let round = 0; round < 20; round++) {
      const path = join(folder, '00000001', '000000010000000000000001');
      rmSync(folder, { recursive: true, force: true });
      {
        await using spool = await Spool.open(folder);
        await begin(spool);
        await spool.append(first, pattern(300_000, 1), noConflict);
        await spool.sync();
      }
      const old = readFileSync(path);
      await using spool = await Spool.open(folder);
      await begin(spool);
      await spool.append(first, old.subarray(0, 200_000), noConflict);
      await Promise.all([
        spool.append(first + 200_000n, pattern(2000, 9), async (segment) => {
          await segment.setAside();
        }),
        // The group commit goes on beside the receiving.
        ...Array.from({ length: 8 }, (_, turn) => sleep(turn / 4).then(() => spool.sync())),
      ]);
      expect(readFileSync(`${path}.conflict-1`).equals(old)).toBe(true);
    }
  });

  it('keeps what was durable before when a sync fails, compared again or not', async () => {
    const bytes = pattern(5000, 3);
    {
      await using spool = await Spool.open(folder);
      await begin(spool);
      await spool.append(first, bytes, noConflict);
      await spool.sync();
    }
    const probe = await open(join(folder, 'spool.json'));
    const files = Object.getPrototypeOf(probe) as FileHandle;
    await probe.close();
    {
      await using spool = await Spool.open(folder);
      await begin(spool);
      await spool.append(first, bytes.subarray(0, 1000), noConflict);
      const failure = Object.assign(new Error('the disk fails'), { code: 'EIO' });
      const datasync = vi.spyOn(files, 'datasync').mockRejectedValueOnce(failure);
      await expect(spool.sync()).rejects.toThrow('could not sync');
      datasync.mockRestore();
    }
    const part = await (await readSpool(folder))?.read(1, first, first + 5000n);
    expect(Buffer.from(part as Uint8Array).equals(bytes)).toBe(true);
  });

  it('refuses WAL that does not follow', async () => {
    await using spool = await Spool.open(folder);
    await begin(spool);
    await expect(spool.append(first + 1n, pattern(10, 1), noConflict)).rejects.toMatchObject({
      code: 'postgres.protocol',
    });
  });

  it('refuses another cluster and a header that does not parse', async () => {
    {
      await using spool = await Spool.open(folder);
      await begin(spool);
      await expect(spool.claim('43', sizeBytes)).rejects.toMatchObject({
        code: 'postgres.other-cluster',
      });
    }
    writeFileSync(join(folder, 'spool.json'), '{"format":1,"systemId":"42"}');
    await expect(Spool.open(folder)).rejects.toMatchObject({ code: 'spool.damaged' });
    await expect(readSpool(folder)).rejects.toMatchObject({ code: 'spool.damaged' });
    await expect(Spool.open(folder)).rejects.toMatchObject({ code: 'spool.damaged' });
  });

  it('belongs to one process, and to the next one when that is dead', async () => {
    {
      await using spool = await Spool.open(folder);
      expect(spool.header).toBeUndefined();
      await expect(Spool.open(folder)).rejects.toMatchObject({ code: 'spool.locked' });
    }
    const dead = spawnSync(process.execPath, ['-e', '']).pid;
    const holders = [
      { host: hostname(), pid: dead, started: '1' },
      // The process id lives, but as another process.
      { host: hostname(), pid: process.pid, started: '1' },
    ];
    for (const holder of holders) {
      writeFileSync(join(folder, 'lock'), JSON.stringify(holder));
      await using spool = await Spool.open(folder);
      expect(spool.segments).toEqual([]);
    }
    writeFileSync(join(folder, 'lock'), JSON.stringify({ host: 'elsewhere', pid: 1, started: '' }));
    await expect(Spool.open(folder)).rejects.toMatchObject({ code: 'spool.locked' });
  });
});
