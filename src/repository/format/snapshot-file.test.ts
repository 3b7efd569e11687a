import { expect, it } from 'vitest';
import { decodeSnapshot, encodeSnapshot } from './snapshot-file.ts';

const [id, tree, other] = ['aa', 'bb', 'cc'].map((byte) => byte.repeat(32)) as [
  string,
  string,
  string,
];

/** As restic 0.19 writes it, apart from the zone. */
const stock = `{"time":"2026-11-25T23:00:00.123456789Z","parent":"${other}","tree":"${tree}","paths":["/srv/a\\u003cb"],"hostname":"db","username":"root","uid":1000,"gid":100,"excludes":["*.tmp"],"tags":["x","y"],"original":"${id}","program_version":"restic 0.19.1","summary":{"backup_start":"2026-11-25T22:59:00Z","backup_end":"2026-11-25T23:00:01Z","files_new":1,"files_changed":2,"files_unmodified":3,"dirs_new":4,"dirs_changed":5,"dirs_unmodified":6,"data_blobs":7,"tree_blobs":8,"data_added":9,"data_added_packed":10,"total_files_processed":11,"total_bytes_processed":12}}`;

it('a snapshot is written as it was read, to the nanosecond', () => {
  expect(encodeSnapshot(decodeSnapshot(id, stock))).toBe(stock);
});

it('a snapshot with nothing but what it needs stays so', () => {
  const bare = `{"time":"2020-01-01T00:00:00Z","tree":"${tree}","paths":["/"]}`;
  expect(encodeSnapshot(decodeSnapshot(id, bare))).toBe(bare);
});
