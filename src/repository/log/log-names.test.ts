import { expect, it } from 'vitest';
import { MemoryLocation } from '../location/memory-location.ts';
import { bytesAt, randomKey } from './log-contract.ts';
import { NestedArea } from './nested-area.ts';
import { noPrevious } from './nested-header.ts';
import { openLogs } from './open-logs.ts';

it('the marks of a prune are no log', async () => {
  const [location, key] = [new MemoryLocation(), randomKey()];
  const logs = openLogs(location, key);
  await logs.log('shop').appendSegment('00000001', 0n, bytesAt(0n, 100));
  const header = { kind: 'marks', level: 0, log: '', part: '', position: 0n } as const;
  const payload = Buffer.from('{"marks":[]}');
  await new NestedArea(location, key).write('locks', { ...header, previous: noPrevious }, payload);
  expect(await openLogs(location, key).names()).toEqual(['shop']);
});
