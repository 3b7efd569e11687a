import { isLifeboatError, LifeboatError } from '../core/index.ts';
import { findTransaction } from '../recovery/index.ts';
import type { Repository } from '../repository/index.ts';
import type { PostgresSource, RecoveryTarget } from '../sources/index.ts';
import { parseLsn } from '../wal/index.ts';
import type { CommandContext, OptionValues } from './command.ts';
import { parseTarget, parseTimeline, parseXid } from './target.ts';

/** Options of every command that goes to a moment. */
export const targetOptions = {
  at: {
    flags: '--at <moment>',
    description:
      'latest (default), a time, a position such as 0/16B3748 (the state just before it), or snapshot-end',
  },
  beforeXid: {
    flags: '--before-xid <xid>',
    description: 'the state just before this transaction, as find-loss names it',
  },
  xid: {
    flags: '--xid <xid>',
    description: 'the state just behind the commit of this transaction',
  },
  name: {
    flags: '--name <name>',
    description: 'a restore point of pg_create_restore_point(); with --at, the last one up to then',
  },
  timeline: {
    flags: '--timeline <number>',
    description: 'along this timeline; default: the newest that the log leads to',
  },
  snapshot: {
    flags: '--snapshot <id>',
    description: 'begin with this snapshot of `points`; default: the newest that leads there',
  },
} as const;

type TargetValues = OptionValues<typeof targetOptions>;

/** What the options mean to a recovery, beside its target. Errors: `repository.snapshot-missing`. */
export async function chooseBase(
  { snapshot, timeline }: Pick<TargetValues, 'snapshot' | 'timeline'>,
  repository: Repository,
): Promise<{ readonly base?: string; readonly timeline?: number }> {
  return {
    ...(snapshot === undefined ? {} : { base: (await repository.findSnapshot(snapshot)).id }),
    ...(timeline === undefined ? {} : { timeline: parseTimeline(timeline) }),
  };
}

export async function chooseTarget(
  options: Omit<TargetValues, 'snapshot'>,
  opened: { readonly source: PostgresSource; readonly repository: Repository },
  context: CommandContext,
): Promise<RecoveryTarget> {
  const { at, beforeXid, xid, name } = options;
  refuseTwo({ '--before-xid': beforeXid, '--xid': xid, '--name': name });
  if (name !== undefined) return namedTarget(name, at);
  refuseTwo({ '--at': at, '--before-xid': beforeXid, '--xid': xid });
  if (xid !== undefined) return { kind: 'xid', xid: parseXid(xid), inclusive: true };
  if (beforeXid !== undefined) return await before(parseXid(beforeXid), options, opened, context);
  return parseTarget(at, new Date());
}

function namedTarget(name: string, at: string | undefined): RecoveryTarget {
  if (at === undefined) return { kind: 'name', name };
  const until = parseTarget(at, new Date());
  if (until.kind === 'time') return { kind: 'name', name, until: until.time };
  throw new LifeboatError('usage.invalid', 'beside --name, --at takes a time', {
    hint: 'It says which of several restore points of that name is meant: the last one up to then.',
  });
}

/** What destroyed something cannot always be stopped at its commit: `find-loss` knows where. Any other one can. */
async function before(
  xid: number,
  { timeline }: Pick<TargetValues, 'timeline'>,
  opened: { readonly source: PostgresSource; readonly repository: Repository },
  context: CommandContext,
): Promise<RecoveryTarget> {
  const { signal, output } = context;
  const plain: RecoveryTarget = { kind: 'xid', xid, inclusive: false };
  // Of another timeline than the newest, `find-loss` knows nothing.
  if (timeline !== undefined) return plain;
  try {
    const { target } = await findTransaction(opened, xid, { signal, progress: output.progress });
    return { kind: 'lsn', lsn: parseLsn(target.lsn), inclusive: false };
  } catch (error) {
    if (isLifeboatError(error, 'rescue.no-suspect')) return plain;
    throw error;
  }
}

function refuseTwo(options: Readonly<Record<string, string | undefined>>): void {
  const [one, other] = Object.keys(options).filter((flag) => options[flag] !== undefined);
  if (other === undefined) return;
  throw new LifeboatError('usage.invalid', `${one} and ${other} exclude each other`, {
    hint: 'Give only one of them.',
  });
}
