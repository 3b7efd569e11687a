import { expect, it } from 'vitest';
import { burstsOf } from '../stored-history.ts';
import { historyOf } from './s3-history.ts';

const [a, b] = ['a'.repeat(64), 'b'.repeat(64)];
const at = (minute: number) => new Date(Date.UTC(2026, 10, 20, 0, minute));
const version = (key: string, minute: number, tag: string | undefined) => ({
  key,
  versionId: `${minute}`,
  modified: at(minute),
  sizeBytes: 1,
  isMarker: tag === undefined,
  isLatest: false,
  tag: tag ?? '',
});

it('tells overwriting and removal from writing, and bursts from each other', () => {
  const pack = `p/data/aa/${a}`;
  const history = historyOf('p/', [
    version('p/config', 90, 'evil'),
    version('p/config', 0, 'good'),
    version(pack, 91, undefined),
    version(pack, 90, 'evil'),
    version(pack, 3, 'good'),
    version(`p/data/bb/${b}`, 4, 'same'),
    version(`p/data/bb/${b}`, 3, 'same'),
    version(`p/index/${b}`, 40, undefined),
    version(`p/index/${b}`, 5, 'x'),
    version(`p/lifeboat/locks/${a}`, 41, undefined),
    version(`p/lifeboat/locks/${a}`, 40, 'x'),
    version(`p/lifeboat/snapshots/${a}`, 92, 'evil'),
    version(`p/lifeboat/snapshots/${a}`, 6, 'x'),
    version(`p/locks/${a}`, 7, 'x'),
    version('p/README', 95, 'x'),
    version('p/README', 8, 'y'),
  ]);
  expect(history).toMatchObject({ versions: 9, oldest: at(0), newest: at(92) });
  expect(history.changes).toEqual([
    { time: at(40), path: `index/${b}`, kind: 'index', change: 'removed' },
    { time: at(90), path: 'config', kind: 'config', change: 'overwritten' },
    { time: at(90), path: `data/${a}`, kind: 'data', change: 'overwritten' },
    { time: at(91), path: `data/${a}`, kind: 'data', change: 'removed' },
    { time: at(92), path: `lifeboat/snapshots/${a}`, kind: 'snapshots', change: 'overwritten' },
  ]);
  expect(burstsOf(history.changes)).toEqual([
    { start: at(40), end: at(40), overwritten: 0, removed: 1, kinds: ['index'] },
    {
      start: at(90),
      end: at(92),
      overwritten: 3,
      removed: 1,
      kinds: ['config', 'data', 'snapshots'],
    },
  ]);
  expect(burstsOf([])).toEqual([]);
});
