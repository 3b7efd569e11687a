import type { ErrorCode } from '../core/index.ts';
import type { StoredIntegrityReport, StoredProof } from '../recovery/index.ts';
import type { CopyReport, PruneReport, SnapshotId } from '../repository/index.ts';
import type { BackupSummary, Drift, StreamState } from '../sources/index.ts';

/** What the service tells whoever watches it. */
export type ServiceEvent =
  | {
      readonly type: 'service-started';
      readonly sources: readonly string[];
      readonly repositories: readonly string[];
    }
  | { readonly type: 'service-stopped' }
  | ({ readonly type: 'stream' } & StreamState)
  | {
      /** A warning of the stream; it goes on. */
      readonly type: 'stream-warning';
      readonly source: string;
      readonly message: string;
    }
  | {
      /** Of the log, what nobody has any more: nothing between can be restored, nor after it from a snapshot before it. */
      readonly type: 'log-gap';
      readonly source: string;
      readonly timeline: number;
      readonly fromLsn: string;
      readonly toLsn: string;
      /** Until when everything was received, where that is known. */
      readonly from?: Date;
      readonly to: Date;
    }
  | {
      /** What the services that write to a source are made of could not be recorded with a backup of it; the backup is stored. */
      readonly type: 'services-warning';
      readonly source: string;
      readonly message: string;
    }
  | { readonly type: 'backup-started'; readonly source: string; readonly reason: string }
  | ({ readonly type: 'backup' } & BackupSummary)
  /** Requests of the server's archive_command and restore_command are answered. */
  | { readonly type: 'archive'; readonly source: string }
  | { readonly type: 'next-backup'; readonly source: string; readonly time: Date }
  | { readonly type: 'catalog'; readonly source: string; readonly databases: number }
  | {
      /** A backup is stored, but it looks as if something had happened to the source. */
      readonly type: 'flagged';
      readonly source: string;
      readonly snapshot: SnapshotId;
      readonly reasons: readonly string[];
    }
  | { readonly type: 'proof-started'; readonly source: string }
  | ({ readonly type: 'proof' } & StoredProof)
  /** `failures` names what did not hold. */
  | ({ readonly type: 'proof-failed'; readonly failures: readonly string[] } & StoredProof)
  | { readonly type: 'integrity-started'; readonly source: string }
  | ({ readonly type: 'integrity' } & StoredIntegrityReport)
  | ({
      readonly type: 'integrity-failed';
      readonly failures: readonly string[];
    } & StoredIntegrityReport)
  | { readonly type: 'next-proof'; readonly source: string; readonly time: Date }
  | {
      /** Tables that changed as if something had been lost, which nobody had announced. */
      readonly type: 'drift';
      readonly source: string;
      readonly drift: readonly Drift[];
    }
  | {
      readonly type: 'waiting';
      readonly repository: string;
      readonly task: string;
      readonly waitsFor: readonly string[];
    }
  | { readonly type: 'copy-started'; readonly from: string; readonly to: string }
  | ({ readonly type: 'copy'; readonly from: string; readonly to: string } & Omit<
      CopyReport,
      'snapshots'
    > & { readonly snapshots: number })
  | {
      readonly type: 'forget';
      readonly repository: string;
      readonly source: string;
      readonly removed: readonly SnapshotId[];
      readonly kept: number;
      /** The location did not let them go; they are whole. */
      readonly failed: number;
    }
  | ({ readonly type: 'prune'; readonly repository: string } & PruneReport)
  | {
      readonly type: 'check';
      readonly repository: string;
      readonly errors: number;
      readonly hints: number;
      readonly snapshots: number;
      readonly bytesRead: number;
    }
  | {
      readonly type: 'next';
      readonly repository: string;
      readonly task: string;
      readonly time: Date;
    }
  | {
      /** Something a person should look at; the service goes on by itself. */
      readonly type: 'alarm';
      /** What it is about; one of the two. */
      readonly source?: string;
      readonly repository?: string;
      readonly code: ErrorCode;
      readonly message: string;
      readonly hint?: string;
      /** What the service does about it. */
      readonly action: string;
    };
