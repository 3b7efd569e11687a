// Reads a folder of WAL segments with our reader, CRC checked, and counts records per resource manager:
// what `pg_waldump --stats` does. Usage: scan-wal.ts FOLDER FIRST_SEGMENT COUNT
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { LifeboatError } from '../src/core/index.ts';
import { parseSegmentName, segmentName, WalReader } from '../src/wal/index.ts';

const segmentBytes = 16 * 2 ** 20;
const [folder, first, count] = process.argv.slice(2) as [string, string, string];
const begin = parseSegmentName(first, segmentBytes);
if (!begin) throw new LifeboatError('usage.invalid', `${first} is not the name of a segment`);

const reader = new WalReader({ startLsn: begin.start, timeline: begin.timeline });
const records = new Map<number, number>();
for (let index = 0; index < Number(count); index++) {
  const position = begin.start + BigInt(index * segmentBytes);
  reader.push(readFileSync(join(folder, segmentName(begin.timeline, position, segmentBytes))));
  for (let record = reader.next(); record; record = reader.next()) {
    records.set(record.resourceManager, (records.get(record.resourceManager) ?? 0) + 1);
  }
}
const total = [...records.values()].reduce((sum, each) => sum + each, 0);
process.stdout.write(`${JSON.stringify({ total, end: reader.finish().why })}\n`);
