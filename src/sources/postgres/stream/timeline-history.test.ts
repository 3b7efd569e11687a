import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { lsn, parseLsn } from '../../../wal/index.ts';
import { parseTimelineHistory, reachability } from './timeline-history.ts';

const sizeBytes = 16 * 2 ** 20;
const text =
  '# made by hand\n1\t0/5000060\tno recovery target specified\n\n2\t0/9A00000\tbefore transaction\n';
const history = parseTimelineHistory(text);
const at = (timeline: number, start: string) => ({ timeline, start: parseLsn(start) });

describe('timeline history', () => {
  it('is read line by line', () => {
    expect(history).toEqual([
      { timeline: 1, switchLsn: parseLsn('0/5000060') },
      { timeline: 2, switchLsn: parseLsn('0/9A00000') },
    ]);
  });

  it('never fails on what is no history', () => {
    fc.assert(fc.property(fc.string(), (garbage) => void parseTimelineHistory(garbage)));
  });

  it('says whether a server can go on from a position', () => {
    const judge = (position: ReturnType<typeof at>, server = 3) =>
      reachability(position, server, history, [], sizeBytes);
    expect(judge(at(3, '0/F000000'))).toEqual({ kind: 'same' });
    expect(judge(at(1, '0/5000000'))).toEqual({ kind: 'same' });
    expect(judge(at(1, '0/5000060'))).toEqual({ kind: 'same' });
    expect(judge(at(1, '0/6000000'))).toEqual({
      kind: 'left-behind',
      next: { timeline: 2, start: lsn(0x5000000n) },
      switchLsn: parseLsn('0/5000060'),
    });
    expect(judge(at(2, '0/A000000'))).toMatchObject({
      next: { timeline: 3, start: lsn(0x9000000n) },
    });
    expect(judge(at(4, '0/A000000'))).toEqual({ kind: 'unrelated' });
  });

  it('finds where two branches of one cluster part', () => {
    const own = parseTimelineHistory('1\t0/5000060\tno recovery target specified\n');
    const judge = (position: ReturnType<typeof at>, theirs: string) =>
      reachability(position, 3, parseTimelineHistory(theirs), own, sizeBytes);
    // Theirs left timeline 1 before ours did: what they have of it we have.
    expect(judge(at(2, '0/A000000'), '1\t0/3000100\t\n')).toEqual({
      kind: 'left-behind',
      next: { timeline: 3, start: lsn(0x3000000n) },
      switchLsn: parseLsn('0/3000100'),
    });
    // Theirs went on with timeline 1 after ours had left it.
    expect(judge(at(2, '0/A000000'), '1\t0/8000100\t\n')).toEqual({
      kind: 'left-behind',
      next: { timeline: 1, start: lsn(0x5000000n) },
      switchLsn: parseLsn('0/5000060'),
    });
    expect(judge(at(2, '0/A000000'), '1\t0/5000060\t\n2\t0/C000000\t\n')).toEqual({
      kind: 'same',
    });
  });
});
