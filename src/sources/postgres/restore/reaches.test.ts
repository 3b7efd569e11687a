import { beforeEach, describe, expect, it } from 'vitest';
import {
  type MemoryRepository,
  memoryRepository,
} from '../../../../test/support/memory-repository.ts';
import { at, storeBackup, storeLog } from '../../../../test/support/stored-log.ts';
import type { Repository } from '../../../repository/index.ts';
import { formatLsn } from '../../../wal/index.ts';
import { giveUpTimeline } from '../stream/given-up.ts';
import { listReaches, type ReachRequest, readKnownLog } from './reaches.ts';

const source = 'shop';
/** Timeline 2 began in the middle of what timeline 1 has. */
const history = `1\t${formatLsn(at(3))}\tno recovery target specified\n`;

let stored: MemoryRepository;
let repository: Repository;
let before: string;
let after: string;

const backUp = (timeline: number, from: number) => storeBackup(repository, source, timeline, from);
const logged = (stream: string, from: number, to: number) =>
  storeLog(repository, source, stream, [from, to]);

const reaches = async (asked: Omit<ReachRequest, 'repository' | 'source'> = {}) =>
  (await listReaches({ repository, source, ...asked })).map(({ backup, timeline, end }) => ({
    backup: backup.snapshot.id,
    timeline,
    end,
  }));

beforeEach(async () => {
  stored = await memoryRepository();
  repository = stored.open();
  before = await backUp(1, 1);
  await logged('00000001', 1, 6);
  await repository.log(source).appendFile('00000002.history', Buffer.from(history));
  await logged('00000002', 3, 9);
  after = await backUp(2, 4);
});

describe('a snapshot from before the fork', () => {
  it('leads along the newest timeline', async () => {
    expect(await reaches()).toEqual([
      { backup: after, timeline: 2, end: at(9) },
      { backup: before, timeline: 2, end: at(9) },
    ]);
  });

  it('leads along what goes on, once that timeline is given up', async () => {
    await giveUpTimeline({ repository, source }, { timeline: 2, history, by: 'INC-1' });
    expect(await reaches()).toEqual([{ backup: before, timeline: 1, end: at(6) }]);
    // Also where it is the only one that counts: it is named, the timeline is not.
    expect(await reaches({ base: before })).toEqual([{ backup: before, timeline: 1, end: at(6) }]);
    const { givenUp } = await readKnownLog({ repository, source });
    expect(givenUp.map(({ snapshot }) => snapshot.id)).toEqual([after]);
  });

  it('leads along what was given up where that is named', async () => {
    await giveUpTimeline({ repository, source }, { timeline: 2, history, by: 'INC-1' });
    expect(await reaches({ timeline: 2 })).toEqual([
      { backup: after, timeline: 2, end: at(9) },
      { backup: before, timeline: 2, end: at(9) },
    ]);
    expect(await reaches({ base: after })).toEqual([{ backup: after, timeline: 2, end: at(9) }]);
  });
});

it('names the timeline to say where nothing is left but what was given up', async () => {
  await giveUpTimeline({ repository, source }, { timeline: 2, history, by: 'INC-1' });
  stored.files.delete(`snapshots/${before}`);
  await expect(reaches()).rejects.toMatchObject({
    code: 'repository.snapshot-missing',
    message: expect.stringContaining('--timeline 2'),
  });
});

it('is no source without snapshots where the repository vanished', async () => {
  stored.files.clear();
  await expect(reaches()).rejects.toMatchObject({ code: 'location.unreachable' });
});
