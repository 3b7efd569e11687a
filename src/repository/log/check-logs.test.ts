import { beforeEach, describe, expect, it } from 'vitest';
import { MemoryLocation } from '../location/memory-location.ts';
import { checkLogs } from './check-logs.ts';
import { bytesAt, randomKey } from './log-contract.ts';
import { openLogs } from './open-logs.ts';

const key = randomKey();
const stream = '00000001';
const size = 1000;

describe('the check of logs', () => {
  let files: Map<string, Uint8Array>;
  let location: MemoryLocation;
  const check = (readData = false) => checkLogs({ location, key, readData });
  const named = (folder: string) =>
    [...files.keys()].filter((path) => path.startsWith(`lifeboat/${folder}/`));
  const opened = () => openLogs(location, key).log('database');
  const append = async (from: number, until: number) => {
    const log = opened();
    for (let at = from; at < until; at++) {
      await log.appendSegment(stream, BigInt(at * size), bytesAt(BigInt(at * size), size));
    }
  };

  beforeEach(async () => {
    files = new Map();
    location = new MemoryLocation({ files });
    await append(0, 4);
    await opened().appendFile('history', Buffer.from('history'));
    await opened().appendPiece(stream, BigInt(4 * size), bytesAt(BigInt(4 * size), 10));
  });

  it('finds nothing where nothing is wrong', async () => {
    expect(await check()).toEqual([]);
    expect(await check(true)).toEqual([]);
  });

  it('names the span of a missing and of a cut segment', async () => {
    const [first, second] = named('data');
    files.delete(first as string);
    files.set(second as string, (files.get(second as string) as Uint8Array).slice(0, -1));
    const findings = await check();
    expect(findings.map((each) => each.affects)).toEqual([
      ['log database, stream 00000001, 0/0 to 0/3E8'],
      ['log database, stream 00000001, 0/3E8 to 0/7D0'],
    ]);
    expect(findings[0]).toMatchObject({ severity: 'error', problem: 'it is missing' });
  });

  it('finds a flipped bit and swapped segments when it reads the data', async () => {
    const [first, second, third] = named('data') as [string, string, string];
    (files.get(first) as Uint8Array)[40]! ^= 4;
    const kept = files.get(second) as Uint8Array;
    files.set(second, files.get(third) as Uint8Array);
    files.set(third, kept);
    expect(await check(true)).toHaveLength(3);
    const log = opened();
    expect(await log.coverage()).toHaveLength(1);
    for (const start of [0n, 1000n, 2000n]) {
      await expect(log.read(stream, start, start + 1n)).rejects.toMatchObject({
        code: 'repository.damaged',
      });
    }
    expect(await log.read(stream, 3000n, 4010n)).toEqual(bytesAt(3000n, 1010));
  });

  it('is content again once a damaged segment was appended once more', async () => {
    files.delete(named('data')[1] as string);
    await append(1, 2);
    expect(await opened().read(stream, 0n, 4000n)).toEqual(bytesAt(0n, 4000));
    const findings = await check(true);
    expect(findings).toHaveLength(1);
    expect(findings[0]).toMatchObject({ severity: 'hint', affects: [] });
  });

  it('names a damaged manifest, and the log lives on with the rest', async () => {
    (files.get(named('locks')[2] as string) as Uint8Array)[60]! ^= 1;
    const findings = await check();
    expect(findings.map((each) => each.severity)).toEqual(['error', 'hint']);
    expect(findings[1]?.problem).toBe('no manifest names this file');
    expect(await opened().coverage()).toHaveLength(2);
    await append(2, 3);
    expect(await opened().coverage()).toHaveLength(1);
  });

  it('finds two histories of one place', async () => {
    const [one, other] = [opened(), opened()];
    await one.coverage();
    await other.coverage();
    await one.appendSegment(stream, 9000n, bytesAt(9000n, size));
    await other.appendSegment(stream, 9000n, bytesAt(9001n, size));
    const findings = await check();
    expect(findings).toHaveLength(1);
    expect(findings[0]?.affects).toEqual(['log database, stream 00000001, 0/2328 to 0/2710']);
  });

  it('finds a segment that follows another one than is there', async () => {
    const elsewhere = new Map<string, Uint8Array>();
    const log = openLogs(new MemoryLocation({ files: elsewhere }), key).log('database');
    await log.appendSegment(stream, 3000n, bytesAt(3001n, size));
    const before = new Set(elsewhere.keys());
    await log.appendSegment(stream, 4000n, bytesAt(4000n, size));
    for (const [path, bytes] of elsewhere) if (!before.has(path)) files.set(path, bytes);
    expect((await check(true)).map((each) => each.problem)).toEqual([
      'it follows another segment than the one before it',
    ]);
  });
});
