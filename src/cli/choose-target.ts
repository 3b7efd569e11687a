import { LifeboatError } from '../core/index.ts';
import { findTransaction } from '../recovery/index.ts';
import type { Repository } from '../repository/index.ts';
import type { PostgresSource, RecoveryTarget } from '../sources/index.ts';
import { parseLsn } from '../wal/index.ts';
import type { CommandContext } from './command.ts';
import { parseTarget, parseXid } from './target.ts';

/** Options of every command that goes to a moment. */
export const targetOptions = {
  at: {
    flags: '--at <moment>',
    description:
      'latest (default), a time, or a position such as 0/16B3748 (the state just before it)',
  },
  beforeXid: {
    flags: '--before-xid <xid>',
    description: 'the state just before this transaction, as find-loss names it',
  },
  snapshot: {
    flags: '--snapshot <id>',
    description: 'begin with this snapshot of `points`; default: the newest that leads there',
  },
} as const;

/** What `--snapshot` means to a recovery. Errors: `repository.snapshot-missing`. */
export async function chooseBase(
  wanted: string | undefined,
  repository: Repository,
): Promise<{ readonly base?: string }> {
  return wanted === undefined ? {} : { base: (await repository.findSnapshot(wanted)).id };
}

export async function chooseTarget(
  options: { readonly at: string | undefined; readonly beforeXid: string | undefined },
  opened: { readonly source: PostgresSource; readonly repository: Repository },
  context: CommandContext,
): Promise<RecoveryTarget> {
  if (options.beforeXid === undefined) return parseTarget(options.at, new Date());
  if (options.at !== undefined) {
    throw new LifeboatError('usage.invalid', '--at and --before-xid exclude each other', {
      hint: 'Give only one of them.',
    });
  }
  const { signal, output } = context;
  const xid = parseXid(options.beforeXid);
  const { target } = await findTransaction(opened, xid, { signal, progress: output.progress });
  return { kind: 'lsn', lsn: parseLsn(target.lsn), inclusive: false };
}
