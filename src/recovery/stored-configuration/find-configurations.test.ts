import { describe, expect, it } from 'vitest';
import type { LifeboatRecord, RecordStore } from '../../repository/index.ts';
import { findConfigurations } from './find-configurations.ts';

function recordOf(sequence: number, minute: number, change: object = {}, by = 'a'): LifeboatRecord {
  const body = {
    format: 1,
    host: 'db-1',
    actor: 'root',
    program: 'lifeboat 0.1.0',
    file: '/etc/lifeboat/lifeboat.yaml',
    repository: { name: 'main', id: 'x' },
    leftOut: [],
    configuration: {},
    ...change,
  };
  const time = new Date(Date.UTC(2026, 10, 26, 20, minute));
  const about = { kind: 'configuration', source: '', heads: [], writer: by };
  return { ...about, id: `${by}${sequence}`, time, sequence, body };
}

function deep(levels: number): unknown {
  let value: unknown = 0;
  for (let at = 0; at < levels; at++) value = [value];
  return value;
}

const within = (records: readonly LifeboatRecord[], damaged: readonly string[] = []) => {
  const list: RecordStore['list'] = async ({ onDamaged } = {}) => {
    for (const each of damaged) onDamaged?.(each, 'its signature does not match');
    return records;
  };
  return findConfigurations({ records: { list } });
};

describe('the newest configuration of a host', () => {
  it('is the one that its key signed last, and a later claim of an older one is told', async () => {
    const { found } = await within([recordOf(2, 1), recordOf(1, 30)]);
    expect(found).toMatchObject([{ id: 'a2', older: 1, rivals: [] }]);
    expect(found[0]?.laterClaim).toEqual(new Date('2026-11-26T20:30:00Z'));
    const [honest] = (await within([recordOf(1, 1), recordOf(2, 30)])).found;
    expect(honest).not.toHaveProperty('laterClaim');
  });

  it('of two keys is the later one, and the other is told', async () => {
    const { found } = await within([recordOf(9, 1), recordOf(1, 30, {}, 'b')]);
    expect(found).toMatchObject([
      { id: 'b1', rivals: [{ writer: 'a', time: new Date('2026-11-26T20:01:00Z') }] },
    ]);
  });

  it('is one for each host and file', async () => {
    const { found } = await within([
      recordOf(1, 1),
      recordOf(2, 2, { host: 'db-2' }),
      recordOf(3, 3, { file: '/home/ada/lifeboat.yaml' }),
    ]);
    expect(found.map(({ id }) => id)).toEqual(['a3', 'a2', 'a1']);
  });

  it('is none that is damaged, or of another form', async () => {
    const { found, refused } = await within(
      [
        recordOf(1, 1, { format: 2 }),
        recordOf(2, 2, { leftOut: 'x' }),
        recordOf(3, 3, { host: '' }),
        recordOf(4, 4, { configuration: deep(100_000) }),
      ],
      ['bad'],
    );
    expect(found).toEqual([]);
    expect(refused.map(({ id }) => id)).toEqual(['bad', 'a1', 'a2', 'a3', 'a4']);
    expect(refused[0]?.problem).toContain('signature');
  });
});
