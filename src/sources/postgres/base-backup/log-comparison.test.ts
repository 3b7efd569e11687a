import { describe, expect, it } from 'vitest';
import { LifeboatError } from '../../../core/index.ts';
import type { Log, LogSpan } from '../../../repository/index.ts';
import { lsn } from '../../../wal/index.ts';
import { LogComparison } from './log-comparison.ts';

const mib16 = 16 * 2 ** 20;
const segment = '000000010000000000000003';
const start = 3n * BigInt(mib16);
const sent = Uint8Array.from({ length: 4000 }, (_, index) => index % 251);

function span(from: number, to: number, stream = '00000001'): LogSpan {
  return { stream, start: start + BigInt(from), end: start + BigInt(to) };
}

/** Sends all in chunks of 1000 bytes to a log that holds the same, but for the byte `differsAt`. */
async function compare(spans: LogSpan[], differsAt?: number, failure?: LifeboatError) {
  const held = sent.slice();
  if (differsAt !== undefined) held[differsAt]! ^= 1;
  const warnings: string[] = [];
  const reads: [number, number][] = [];
  const log = {
    name: 'shop',
    coverage: async () => spans,
    read: async (_: string, from: bigint, to: bigint) => {
      reads.push([Number(from - start), Number(to - start)]);
      if (failure) throw failure;
      return held.slice(Number(from - start), Number(to - start));
    },
  };
  const comparison = await LogComparison.begin({
    log: log as unknown as Log,
    segmentSizeBytes: mib16,
    progress: (event) => {
      if (event.type === 'warning') warnings.push(event.message);
    },
  });
  for (let at = 0; at < sent.length; at += 1000) {
    const chunk = Buffer.from(sent.subarray(at, at + 1000));
    comparison.add(segment, at, chunk);
    chunk.fill(0);
    await comparison.room();
  }
  const until = (stop: number) =>
    comparison.requireAgreement({ lsn: lsn(start + BigInt(stop)), timeline: 1 });
  return { until, reads, warnings };
}

describe('comparing the WAL of a backup with the log', () => {
  it('reads only what the log holds of the same timeline', async () => {
    const { until, reads, warnings } = await compare([
      span(-500, 10),
      span(900, 1100),
      span(3990, 5000),
      span(0, 4000, '00000002'),
    ]);
    await until(4000);
    expect(reads).toEqual([
      [0, 10],
      [900, 1000],
      [1000, 1100],
      [3990, 4000],
    ]);
    expect(warnings).toEqual([]);
  });

  it.each([0, 999, 1000, 3999])('finds the one byte that differs, at %i', async (at) => {
    const { until } = await compare([span(0, 4000)], at);
    await expect(until(at + 1)).rejects.toMatchObject({
      code: 'log.conflict',
      context: { position: `0/${(Number(start) + at).toString(16).toUpperCase()}` },
    });
    await until(at);
  });

  it('is told once of a log that cannot be read, and asks no more of one out of reach', async () => {
    const damaged = new LifeboatError('repository.damaged', 'torn');
    const first = await compare([span(0, 4000)], 7, damaged);
    const away = new LifeboatError('location.unreachable', 'away');
    const second = await compare([span(0, 4000)], 7, away);
    expect([first.reads.length, second.reads.length]).toEqual([4, 1]);
    for (const { until, warnings } of [first, second]) {
      await until(4000);
      expect(warnings).toHaveLength(1);
    }
  });
});
