import type { Progress } from '../../../core/index.ts';
import type { Log } from '../../../repository/index.ts';
import type { StreamState } from '../../source.ts';
import type { ConnectionSettings } from '../connection-settings.ts';
import type { SynchronousLevel } from './synchronous.ts';

export interface StreamLimits {
  /** How much WAL may wait in the spool before receiving pauses. Whole segments; the newest one does not count. */
  readonly spoolBytesMax: number;
  /** How long the newest WAL may be in the spool only. */
  readonly pieceIntervalMs: number;
  /** How long a slot that somebody uses is asked for again: the server may not have noticed that our former connection is gone. */
  readonly slotBusyMaxMs: number;
  /** How long a clean stop may take to bring the rest into the repository. What is not brought stays in the spool. */
  readonly stopMaxMs: number;
  /** How often the slot is looked at by SQL; an endangered one more often. */
  readonly slotLookIntervalMs: number;
}

export const defaultLimits: StreamLimits = Object.freeze({
  spoolBytesMax: 8 * 2 ** 30,
  pieceIntervalMs: 2000,
  // A little more than wal_sender_timeout's default.
  slotBusyMaxMs: 90_000,
  stopMaxMs: 10_000,
  slotLookIntervalMs: 30_000,
});

export interface StreamOptions {
  /** For `StreamState.source`. */
  readonly source: string;
  readonly settings: ConnectionSettings;
  readonly slot: string;
  readonly log: Log;
  /** On a local disk that outlives a restart. One source each. */
  readonly spoolFolder: string;
  /** The cluster it must be, where the caller knows it. */
  readonly systemId?: string;
  /** What synchronous_standby_names may name; the slot's name when absent. */
  readonly applicationName?: string;
  /** What commits are meant to wait for. The slot then never runs ahead. */
  readonly synchronous?: SynchronousLevel;
  /** Rather than be lost, the slot follows the spool instead of the repository. Never while a commit may wait for us. */
  readonly slotMayRunAhead?: boolean;
  /** Tells the repository what it is owed of timelines that were given up, before it is asked for them. */
  readonly tellGivenUp?: () => Promise<void>;
  /** Aborting it is a clean stop. */
  readonly signal: AbortSignal;
  readonly onState: (state: StreamState) => void;
  /** Hears warnings and notes. */
  readonly progress?: Progress;
  readonly limits?: Partial<StreamLimits>;
}
