import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { isLifeboatError, throwIfAborted } from '../../../core/index.ts';
import type { Log } from '../../../repository/index.ts';
import {
  ChangedBlocks,
  lsn,
  parseLsn,
  segmentName,
  segmentStart,
  timelineStream,
  WalReader,
} from '../../../wal/index.ts';
import type { PostgresBackupInfo } from '../backup-info.ts';
import type { BackupBounds } from '../base-backup/base-backup-stream.ts';
import type { ServerFacts } from '../base-backup/server-facts.ts';

export interface ChangesSinceOptions {
  readonly former: PostgresBackupInfo;
  /** WAL that the former backup brought along, from the begin of a segment on, part by part. */
  formerWal(segment: string): AsyncIterable<Uint8Array>;
  /** Of this backup. */
  readonly start: BackupBounds;
  readonly facts: ServerFacts;
  readonly chunkSizeBytes: number;
  readonly log: Log;
  /** Of the server. */
  readonly walFolder: string;
  readonly signal?: AbortSignal;
}

/**
 * What WAL changed from the start of the former backup to the start of this one. Every byte of that span must be there, on one
 * timeline, and read as one unbroken chain of records; else the answer is why nothing is known. The chain must be that of the
 * former backup: a server that was set back to before it has other WAL where that one ended.
 */
export async function changesSince(
  options: ChangesSinceOptions,
): Promise<ChangedBlocks | { readonly unknown: string }> {
  const { former, start, facts, chunkSizeBytes, signal } = options;
  const { systemId, segmentSizeBytes } = facts;
  if (former.timeline !== start.timeline) return { unknown: 'the server is on another timeline' };
  if (former.dataChecksums !== facts.dataChecksums) {
    return { unknown: 'page checksums were switched on or off' };
  }
  const changes = new ChangedBlocks(chunkSizeBytes / facts.pageSizeBytes);
  const from = segmentStart(parseLsn(former.startLsn), segmentSizeBytes);
  const { timeline } = start;
  const anchor = segmentStart(lsn(parseLsn(former.stopLsn) - 1n), segmentSizeBytes);
  const reader = new WalReader({ startLsn: from, segmentSizeBytes, timeline, systemId });
  // One for all segments: the reader lets go of each, and the collector would come late to so many.
  const room = Buffer.allocUnsafeSlow(segmentSizeBytes);
  try {
    for (let at: bigint = from; at <= start.lsn; at += BigInt(segmentSizeBytes)) {
      throwIfAborted(signal);
      const bytes = await readSegment(options, at, room);
      if (bytes.length === 0) break;
      for (const record of reader.read(bytes)) changes.add(record);
      if (at === anchor && !(await isFormerChain(options, at, bytes))) {
        return { unknown: 'the server was set back to before the former backup' };
      }
      if (changes.doubt !== undefined) return { unknown: changes.doubt };
      if (reader.ended) break;
    }
  } catch (error) {
    if (signal?.aborted || !isLifeboatError(error) || error.code === 'bug') throw error;
    return { unknown: error.message };
  }
  // The checkpoint that the backup waited for lies behind its start, so an unbroken chain leads beyond.
  if (reader.reachedLsn <= start.lsn) return { unknown: reader.finish().why };
  return changes;
}

/** Whether the WAL in which the former backup ended is what is there now. */
async function isFormerChain(
  { former, formerWal, facts }: ChangesSinceOptions,
  at: bigint,
  bytes: Uint8Array,
): Promise<boolean> {
  const name = segmentName(former.timeline, at, facts.segmentSizeBytes);
  const length = Number(parseLsn(former.stopLsn) - at);
  if (bytes.length < length) return false;
  let compared = 0;
  for await (const part of formerWal(name)) {
    const theirs = part.subarray(0, length - compared);
    const ours = bytes.subarray(compared, compared + theirs.length);
    if (Buffer.compare(theirs, ours) !== 0) return false;
    compared += theirs.length;
    if (compared === length) return true;
  }
  return false;
}

/** A segment, or as much of it as there is: from the server's own folder, else from the log. */
async function readSegment(
  { walFolder, log, start, facts, signal }: ChangesSinceOptions,
  at: bigint,
  room: Buffer,
): Promise<Uint8Array> {
  const { segmentSizeBytes } = facts;
  const name = segmentName(start.timeline, at, segmentSizeBytes);
  const own = await readInto(room, join(walFolder, name));
  // A file that waits to be used again has its new name already, and its old contents.
  if (own && own.length === segmentSizeBytes && own.readBigUInt64LE(8) === at) return own;
  return await log.read(timelineStream(start.timeline), at, at + BigInt(segmentSizeBytes), signal);
}

async function readInto(room: Buffer, path: string): Promise<Buffer | undefined> {
  try {
    await using file = await open(path, 'r');
    const { bytesRead } = await file.read(room, 0, room.length, 0);
    return room.subarray(0, bytesRead);
  } catch {
    return undefined;
  }
}
