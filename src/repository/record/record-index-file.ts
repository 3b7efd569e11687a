import {
  arrayField,
  asHash,
  asObject,
  damaged,
  numberField,
  parseObject,
  textField,
} from '../format/json-shape.ts';
import type { LifeboatRecord } from './record.ts';

/** All that a record says, but for its body. */
export type RecordFacts = Omit<LifeboatRecord, 'body'>;

/** What the index says of one file of `snapshots/`. */
export interface IndexedRecord {
  readonly name: string;
  readonly facts: RecordFacts;
}

/** The facts of many records in one file. Layout: docs/formats/records.md. */
export interface RecordIndexFile {
  readonly records: readonly IndexedRecord[];
  /** Names of index files that need not be read: their records are in here, or they are damaged. */
  readonly supersedes: readonly string[];
}

export function encodeRecordIndex({ records, supersedes }: RecordIndexFile): Uint8Array {
  const entries = records.map(({ name, facts: { id, time, ...facts } }) => ({
    name,
    ...(id === name ? {} : { id }),
    ...facts,
    time: time.toISOString(),
  }));
  return Buffer.from(JSON.stringify({ records: entries, supersedes }));
}

/** Errors: `repository.damaged`. Fields it does not know are ignored. */
export function decodeRecordIndex(payload: Uint8Array, subject: string): RecordIndexFile {
  const root = parseObject(Buffer.from(payload).toString('utf8'), subject);
  return {
    records: arrayField(root, 'records').map((value) => decodeEntry(value, subject)),
    supersedes: arrayField(root, 'supersedes').map((value) => asHash(value, subject)),
  };
}

function decodeEntry(value: unknown, subject: string): IndexedRecord {
  const entry = asObject(value, subject);
  const name = asHash(entry.name, subject);
  const time = new Date(textField(entry, 'time'));
  if (Number.isNaN(time.getTime())) throw damaged(`${subject}: no time`);
  const facts = {
    id: entry.id === undefined ? name : asHash(entry.id, subject),
    kind: textField(entry, 'kind'),
    source: textField(entry, 'source'),
    time,
    writer: asHash(entry.writer, subject),
    sequence: numberField(entry, 'sequence', Number.MAX_SAFE_INTEGER),
    heads: arrayField(entry, 'heads').map((each) => asHash(each, subject)),
  };
  return { name, facts };
}
