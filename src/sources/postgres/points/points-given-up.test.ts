import { beforeEach, expect, it } from 'vitest';
import { memoryRepository } from '../../../../test/support/memory-repository.ts';
import { at, storeBackup, storeLog } from '../../../../test/support/stored-log.ts';
import type { Repository } from '../../../repository/index.ts';
import { formatLsn } from '../../../wal/index.ts';
import { giveUpTimeline } from '../stream/given-up.ts';
import { onlyByName } from './only-by-name.ts';
import { listRecoveryPoints } from './recovery-windows.ts';

const source = 'shop';
const history = `1\t${formatLsn(at(3))}\tno recovery target specified\n`;
let repository: Repository;
const backUp = (timeline: number, from: number) => storeBackup(repository, source, timeline, from);
const logged = (stream: string, from: number, to: number) =>
  storeLog(repository, source, stream, [from, to]);

beforeEach(async () => {
  repository = (await memoryRepository()).open();
  await backUp(1, 1);
  await logged('00000001', 1, 6);
  await repository.log(source).appendFile('00000002.history', Buffer.from(history));
  await logged('00000002', 3, 9);
  await giveUpTimeline({ repository, source }, { timeline: 2, history, by: 'INC-1' });
});

async function shown() {
  const { windows, givenUp } = await listRecoveryPoints({ repository, source });
  return {
    windows: windows.map(({ timeline, toLsn }) => [timeline, toLsn]),
    byName: givenUp.flatMap((each) => onlyByName(each, windows) ?? []),
  };
}

it('is reached by its name, and once a recovery goes on along it only what lies behind', async () => {
  expect(await shown()).toMatchObject({
    windows: [[1, formatLsn(at(6))]],
    byName: [{ timeline: 2, toLsn: formatLsn(at(9)) }],
  });

  const on = `${history}2\t${formatLsn(at(7))}\tno recovery target specified\n`;
  await repository.log(source).appendFile('00000003.history', Buffer.from(on));
  await logged('00000003', 7, 12);
  const { windows, byName } = await shown();
  expect(windows).toEqual([[3, formatLsn(at(12))]]);
  expect(byName).toMatchObject([{ timeline: 2, afterLsn: formatLsn(at(7)) }]);
});

it('is an ordinary window, and nothing else, until there is log of what goes on', async () => {
  await backUp(2, 4);
  const on = `${history}2\t${formatLsn(at(9))}\tno recovery target specified\n`;
  await repository.log(source).appendFile('00000003.history', Buffer.from(on));
  const { windows, byName } = await shown();
  expect(windows).toContainEqual([2, formatLsn(at(9))]);
  expect(byName).toEqual([]);
});
