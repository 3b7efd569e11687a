import { beforeEach, describe, expect, it } from 'vitest';
import {
  type MemoryRepository,
  memoryRepository,
} from '../../../../test/support/memory-repository.ts';
import { LogFetcher } from '../archive/log-fetcher.ts';
import { givenUpTimelines, giveUpTimeline } from './given-up.ts';
import { LogCoverage } from './log-coverage.ts';
import { requireNotGivenUp } from './server-identity.ts';
import { parseTimelineHistory } from './timeline-history.ts';

const history = '1\t0/1600188\tno recovery target specified\n';
const given = { timeline: 2, history, by: 'INC-1 run abc' };

describe('a timeline that was given up', () => {
  let stored: MemoryRepository;
  beforeEach(async () => {
    stored = await memoryRepository();
  });
  const repository = () => stored.open();
  const log = () => repository().log('database');
  const giveUp = () => giveUpTimeline({ repository: repository(), source: 'database' }, given);
  const append = (name: string, text: string) => log().appendFile(name, Buffer.from(text));

  it('is marked together with those that began on it, once', async () => {
    await append('00000002.history', history);
    await append('00000003.history', `${history}2\t0/1700000\tno reason\n`);
    await append('00000004.history', '1\t0/1800000\tno reason\n');
    expect(await giveUp()).toEqual([2, 3]);
    expect(await giveUp()).toEqual([2, 3]);
    expect(await givenUpTimelines(log())).toEqual(new Set([2, 3]));
    expect(
      JSON.parse(Buffer.from((await log().readFile('00000003.given-up')) ?? []).toString()),
    ).toEqual({
      format: 1,
      timeline: 3,
      by: 'INC-1 run abc',
    });
  });

  it('is not one of the same number that another server began', async () => {
    await append('00000002.history', '1\t0/1500000\tno reason\n');
    expect(await giveUp()).toEqual([]);
    expect(await givenUpTimelines(log())).toEqual(new Set());
  });

  it('is not marked where nobody has seen it: its number may be taken again', async () => {
    expect(await giveUp()).toEqual([]);
    expect(await log().fileNames()).toEqual([]);
  });

  it('is not what a stream goes on with, and a server on it is refused', async () => {
    await log().appendPiece('00000001', 16n * 2n ** 20n, Buffer.alloc(1000));
    await log().appendPiece('00000002', 16n * 2n ** 20n, Buffer.alloc(2000));
    await append('00000002.history', history);
    const coverage = new LogCoverage(log());
    await coverage.load();
    expect(coverage.continuation(2 ** 24)).toMatchObject({ timeline: 2 });
    await giveUp();
    await coverage.learnGivenUp();
    expect(coverage.continuation(2 ** 24)).toMatchObject({ timeline: 1 });
    const server = {
      systemId: '1',
      timeline: 2,
      segmentSizeBytes: 2 ** 24,
      flushLsn: 2n ** 25n,
      isStandby: false,
    };
    const of = (text: string) => parseTimelineHistory(text);
    expect(() => requireNotGivenUp(server, coverage, of(history), of(history))).toThrow(
      /timeline 2, which was given up/,
    );
    const other = of('1\t0/1900000\tno reason\n');
    expect(() => requireNotGivenUp(server, coverage, other, of(history))).toThrow(
      expect.objectContaining({ code: 'log.conflict' }),
    );
    expect(() => requireNotGivenUp({ ...server, timeline: 1 }, coverage, [], [])).not.toThrow();
  });

  it('is not found by a server that asks for the newest timeline', async () => {
    await append('00000002.history', history);
    const fetcher = new LogFetcher(log(), new AbortController().signal);
    expect(await fetcher.read('00000002.history')).toBeDefined();
    await giveUp();
    expect(await fetcher.read('00000002.history')).toBeUndefined();
  });
});
