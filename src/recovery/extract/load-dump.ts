import type { Progress } from '../../core/index.ts';
import {
  type ClientPrograms,
  type ConnectionSettings,
  pipeDump,
  quoteConnectionValue,
  startClientProgram,
} from '../../sources/index.ts';

export interface LoadDumpOptions {
  readonly programs: ClientPrograms;
  readonly past: ConnectionSettings;
  readonly selection: readonly string[];
  readonly target: ConnectionSettings;
  /** The target lets transactions write only when they ask for it, as after a freeze. */
  readonly isReadOnly: boolean;
  readonly hint: string;
  readonly estimatedBytes: number;
  readonly signal?: AbortSignal | undefined;
  readonly progress: Progress;
}

/**
 * From pg_dump to pg_restore, in one transaction of the target, without a file in between. Returns the bytes that went through.
 * Errors: `extract.failed` (the target is as before), `dump.failed`, `cancelled`.
 */
export async function loadDump(options: LoadDumpOptions): Promise<number> {
  const { programs, past, selection, target, isReadOnly, signal, progress, hint } = options;
  const dump = startClientProgram({
    program: programs.pgDump,
    args: ['--format=custom', '--compress=0', ...left, ...selection],
    connection: past,
    failure: 'dump.failed',
    signal,
  });
  const load = startClientProgram({
    program: programs.pgRestore,
    args: [
      '--single-transaction',
      '--exit-on-error',
      '--no-tablespaces',
      ...left,
      // As a connection string, so that no name of a database is taken for one.
      `--dbname=dbname=${quoteConnectionValue(target.database)}`,
    ],
    connection: target,
    failure: 'extract.failed',
    hint,
    signal,
    ...(isReadOnly ? { serverOptions: '-c default_transaction_read_only=off' } : {}),
  });
  let done = 0;
  await pipeDump(dump, load, (bytes) => {
    done += bytes;
    const total = Math.max(done, options.estimatedBytes);
    progress({ type: 'progress', task: 'extract', done, total, unit: 'bytes' });
  });
  return done;
}

/** They would reach out of the target. */
const left = ['--no-publications', '--no-subscriptions'];
