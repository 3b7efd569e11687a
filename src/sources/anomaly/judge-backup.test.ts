import { describe, expect, it } from 'vitest';
import { type BackupFigures, judgeBackup } from './judge-backup.ts';

const mib = 2 ** 20;
const usual: BackupFigures = {
  filesTotal: 10_000,
  filesChanged: 100,
  bytesTotal: 4000 * mib,
  bytesAdded: 80 * mib,
  bytesAddedPacked: 40 * mib,
};
const week = Array.from({ length: 7 }, () => usual);
const judge = (change: Partial<BackupFigures>, before: readonly BackupFigures[] = week) =>
  judgeBackup({ ...usual, ...change }, before);

describe('a backup is flagged', () => {
  it('not when it is the first, nor on an ordinary day', () => {
    expect(judge({ filesChanged: 10_000 }, [])).toEqual([]);
    expect(judge({})).toEqual([]);
    expect(judge({ filesChanged: 400, bytesAdded: 300 * mib })).toEqual([]);
  });

  it('when far more files have changed than ever before', () => {
    expect(judge({ filesChanged: 9000 })).toEqual([expect.stringContaining('90 % of the files')]);
    // Where that is so every day, it is nothing to speak of.
    const busy = week.map((each) => ({ ...each, filesChanged: 7000 }));
    expect(judge({ filesChanged: 9000 }, busy)).toEqual([]);
    const few = { filesTotal: 10, filesChanged: 0 };
    expect(judge({ filesTotal: 10, filesChanged: 10 }, [{ ...usual, ...few }])).toEqual([]);
  });

  it('when most of it is gone, even if as many files with other names stand in its place', () => {
    expect(judge({ filesTotal: 3000 })).toEqual([expect.stringContaining('7000 of 10000 files')]);
    expect(judge({ entriesGone: 9500 })).toEqual([expect.stringContaining('9500 of 10000')]);
    expect(judge({ bytesTotal: 1000 * mib })).toEqual([expect.stringContaining('are gone')]);
    expect(judge({ filesTotal: 9000, entriesGone: 1000 })).toEqual([]);
  });

  it('when nothing is left, however little there was', () => {
    const few = { ...usual, filesTotal: 3, bytesTotal: 10, bytesAdded: 10, filesChanged: 0 };
    const nothing = { filesTotal: 0, bytesTotal: 0, bytesAdded: 0, filesChanged: 0 };
    expect(judge(nothing, [few])).toEqual([expect.stringContaining('all 3 files are gone')]);
    expect(judge({ ...few, filesTotal: 1 }, [few])).toEqual([]);
    expect(judge(nothing, [{ ...few, ...nothing }])).toEqual([]);
  });

  it('when nearly everything is new and no longer compresses', () => {
    const encrypted = { bytesAdded: 3900 * mib, bytesAddedPacked: 3900 * mib };
    expect(judge(encrypted)).toEqual([expect.stringContaining('does not compress')]);
    expect(judge({ ...encrypted, bytesAddedPacked: 1900 * mib })).toEqual([]);
    // Films never did.
    const films = week.map((each) => ({ ...each, bytesAddedPacked: each.bytesAdded }));
    expect(judge(encrypted, films)).toEqual([]);
  });
});
