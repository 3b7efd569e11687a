import type { ServerPrograms } from '../server/index.ts';

export interface IsolationOptions {
  readonly programs: ServerPrograms;
  /** Libraries to load at start after all. Default none. */
  readonly preloadLibraries?: readonly string[];
}

/**
 * Settings under which a copy of a production server does nothing that production would notice. Given on the command line,
 * where neither a restored configuration file nor ALTER SYSTEM overrides them.
 */
export function isolationSettings(options: IsolationOptions): Readonly<Record<string, string>> {
  const { programs, preloadLibraries = [] } = options;
  return {
    ...silence,
    ...unforced,
    ...(programs.major >= 15 ? { archive_library: '' } : {}),
    // Login triggers of a copy would run with every connection of ours.
    ...(programs.major >= 17 ? { event_triggers: 'off', summarize_wal: 'off' } : {}),
    ...(knowsInPlaceTablespaces(programs) ? { allow_in_place_tablespaces: 'on' } : {}),
    shared_preload_libraries: preloadLibraries.join(','),
  };
}

/** Since 15, 14.5 and 13.8. */
export function knowsInPlaceTablespaces(programs: ServerPrograms): boolean {
  const minor = Number(/^\d+\.(\d+)/.exec(programs.version)?.[1] ?? 0);
  return programs.major >= 15 || minor >= (programs.major === 14 ? 5 : 8);
}

const silence = {
  listen_addresses: '',
  ssl: 'off',
  archive_mode: 'off',
  archive_command: '',
  archive_cleanup_command: '',
  recovery_end_command: '',
  primary_conninfo: '',
  primary_slot_name: '',
  synchronous_standby_names: '',
  session_preload_libraries: '',
  local_preload_libraries: '',
  max_logical_replication_workers: '0',
  max_wal_senders: '0',
  wal_level: 'replica',
  autovacuum: 'off',
  // With it off, max_connections and the like need not be as large as the original's were.
  hot_standby: 'off',
  // Transactions that were prepared in the original must find room.
  max_prepared_transactions: '1000',
  max_locks_per_transaction: '256',
  max_connections: '50',
  shared_buffers: '128MB',
  huge_pages: 'off',
  max_wal_size: '1GB',
  jit: 'off',
  restart_after_crash: 'off',
  timezone: 'UTC',
  log_timezone: 'UTC',
  log_min_messages: 'warning',
} as const;

/** What is thrown away need not reach the disk; what is kept is brought there as a whole: see `recoverFolder`. */
const unforced = {
  fsync: 'off',
  synchronous_commit: 'off',
  full_page_writes: 'off',
  // Segments of the replay would be kept for later under new names, and be brought to the disk for nothing.
  wal_recycle: 'off',
} as const;
