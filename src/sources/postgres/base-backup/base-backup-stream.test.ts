import { describe, expect, it } from 'vitest';
import { formatLsn } from '../../../wal/index.ts';
import { BaseBackupStream } from './base-backup-stream.ts';

function recorder() {
  const events: string[] = [];
  const receiver = {
    onStart: (
      start: { lsn: bigint; timeline: number },
      tablespaces: readonly object[],
      bytes?: number,
    ) =>
      void events.push(
        `start ${formatLsn(start.lsn)} ${start.timeline} ${tablespaces.length} ${bytes}`,
      ),
    onArchiveBegin: (tablespace?: { oid: number }) =>
      void events.push(`archive ${tablespace?.oid ?? 'base'}`),
    onArchiveData: (bytes: Uint8Array) => void events.push(`data ${Buffer.from(bytes)}`),
    onArchiveEnd: () => void events.push('end'),
    onManifestData: (bytes: Uint8Array) => void events.push(`manifest ${Buffer.from(bytes)}`),
    onStop: (stop: { lsn: bigint }) => void events.push(`stop ${formatLsn(stop.lsn)}`),
  };
  return { events, receiver };
}

const position = (lsn: string) => ({ columns: [], rows: [[lsn, '1']] });
const tablespaces = {
  columns: [],
  rows: [
    ['16400', '/mnt/fast', '2048'],
    [null, null, '1024'],
  ],
};
const expected = [
  'start 0/2000028 1 1 3145728',
  'archive 16400',
  'data one',
  'end',
  'archive base',
  'data two',
  'end',
  'manifest {}',
  'stop 0/2000100',
];

describe('base backup stream', () => {
  it('understands one COPY per tablespace, up to 14', () => {
    const { events, receiver } = recorder();
    const stream = new BaseBackupStream(140_011, receiver);
    stream.onResult(position('0/2000028'));
    stream.onResult(tablespaces);
    for (const [index, text] of ['one', 'two', '{}'].entries()) {
      stream.onCopyBegin(index);
      stream.onCopyData(Buffer.from(text));
      stream.onCopyEnd();
    }
    expect(stream.stopped).toBe(false);
    stream.onResult(position('0/2000100'));
    expect(events).toEqual(expected);
    expect(stream.stopped).toBe(true);
  });

  it('understands the single COPY with typed messages, from 15 on', () => {
    const { events, receiver } = recorder();
    const stream = new BaseBackupStream(150_000, receiver);
    stream.onResult(position('0/2000028'));
    stream.onResult(tablespaces);
    stream.onCopyBegin(0);
    for (const text of [
      'n16400.tar\0/mnt/fast\0',
      'done',
      'p12345678',
      'nbase.tar\0\0',
      'dtwo',
      'm',
      'd{}',
    ]) {
      stream.onCopyData(Buffer.from(text));
    }
    stream.onCopyEnd();
    stream.onResult(position('0/2000100'));
    expect(events).toEqual(expected);
  });

  it('refuses what belongs to no archive', () => {
    const begin = () => {
      const stream = new BaseBackupStream(150_000, recorder().receiver);
      stream.onResult(position('0/2000028'));
      stream.onResult(tablespaces);
      stream.onCopyBegin(0);
      return stream;
    };
    expect(() => begin().onCopyData(Buffer.from('dlost'))).toThrow(/outside of an archive/);
    expect(() => begin().onCopyData(Buffer.from('n99.tar\0\0'))).toThrow(/99\.tar/);
    expect(() => begin().onCopyData(Buffer.from('?'))).toThrow(/type 63/);
    const early = new BaseBackupStream(150_000, recorder().receiver);
    expect(() => early.onCopyBegin(0)).toThrow(/before the start/);
  });
});
