import type { OperationOptions } from '../repository.ts';

/** For each log the position from which on it is needed, in all its streams or one by one. What no entry names stays whole. */
export type LogsNeeded = ReadonlyMap<string, bigint | ReadonlyMap<string, bigint>>;

export interface PruneOptions extends OperationOptions {
  /** Decides and reports, and changes nothing. */
  readonly dryRun?: boolean;
  /** How much of what stays may be unused: a share of its size (default 0.05) or bytes. */
  readonly maxUnused?: { readonly share: number } | { readonly bytes: number };
  /** No more than this is read to be written again. Default: no limit. */
  readonly maxRepackBytes?: number;
  /** How long a file stays after a prune found it unneeded, default 23 hours. 0 removes it in the same run. */
  readonly keepMarkedMs?: number;
  /** What is needed of the logs; asked for under the lock. Default: all of it. */
  readonly logsNeeded?: () => Promise<LogsNeeded>;
}

/** Bytes are those of stored files. */
export interface PruneReport {
  readonly dryRun: boolean;
  readonly snapshots: number;
  readonly blobsUsed: number;
  readonly blobsUnused: number;
  readonly packs: number;
  readonly bytes: number;
  /** In packs that are indexed: what no snapshot needs, or what another pack holds too. */
  readonly bytesUnused: number;
  /** Wholly unneeded. */
  readonly packsUnneeded: number;
  /** Partly needed: what they hold of value was, or would be, written to new packs. */
  readonly packsRepacked: number;
  readonly bytesRepacked: number;
  /** In no index: left by interrupted backups. */
  readonly packsUnindexed: number;
  /** In no index although snapshots need them: put back into one. */
  readonly packsRecovered: number;
  /** Files that wait for their removal by a later prune, those of logs included. */
  readonly filesMarked: number;
  readonly bytesMarked: number;
  /** When the first of them may be removed. */
  readonly removableFrom: Date | undefined;
  readonly filesRemoved: number;
  readonly bytesRemoved: number;
  /** The location would not remove them (object lock): a later prune tries again. */
  readonly filesRefused: number;
  /** What stays unused in packs that were not worth repacking. */
  readonly bytesUnusedAfter: number;
  readonly logSegmentsDropped: number;
}

export const defaultKeepMarkedMs = 23 * 60 * 60_000;
export const defaultMaxUnusedShare = 0.05;
