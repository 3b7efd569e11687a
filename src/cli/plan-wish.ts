import { assert, isLifeboatError, LifeboatError } from '../core/index.ts';
import {
  findTransaction,
  type GatherRequest,
  type Method,
  methods,
  parseTableName,
  type Surroundings,
  type Wish,
  writeTarget,
} from '../recovery/index.ts';
import type { PostgresSource, RecoveryTarget } from '../sources/index.ts';
import { chooseBase, chooseTarget, targetOptions } from './choose-target.ts';
import type { CommandContext, OptionValues } from './command.ts';
import { describeTarget, parseTarget, parseXid } from './target.ts';

/** What a person may know better than what was found. */
export const wishOptions = {
  ...targetOptions,
  method: {
    flags: '--method <method>',
    description: `this way and no other: ${Object.keys(methods).join(', ')}`,
  },
  tables: {
    flags: '--tables <name>',
    description: 'only this table, as schema.table; may be repeated',
    repeatable: true,
  },
  database: {
    flags: '--database <name>',
    description: 'of --tables, else all of it; default: the one the source connects to',
  },
} as const;

export type WishValues = OptionValues<typeof wishOptions>;

/** What was asked for, and the transaction that was named with what it did. */
export interface KnownWish {
  readonly wish: Wish;
  readonly named?: NonNullable<GatherRequest['named']>;
}

/** Errors: `usage.invalid`, `repository.*`. */
export async function wishOf(
  options: WishValues,
  sources: readonly string[],
  surroundings: Surroundings,
  context: CommandContext,
): Promise<KnownWish> {
  const { method, tables, database } = options;
  const known = {
    ...(method === undefined ? {} : { method: parseMethod(method) }),
    ...(tables === undefined ? {} : { tables: tables.map(parseTableName) }),
    ...(database === undefined ? {} : { database }),
  };
  if (!isTargetNamed(options)) return { wish: known };
  const name = await clusterOf(sources, surroundings);
  if (name === undefined) {
    const target = await ofFiles(options, sources, surroundings, context);
    return { wish: { ...known, target } };
  }
  const source = (await surroundings.source(name, 'protect')) as PostgresSource;
  const opened = { source, repository: await surroundings.repositoryOf(name) };
  const { base, timeline } = await chooseBase(options, opened.repository);
  const begin = {
    ...(base === undefined ? {} : { snapshot: base }),
    ...(timeline === undefined ? {} : { timeline }),
  };
  const named = await transactionOf(options, opened, context);
  if (named !== undefined) {
    const { lsn } = named.target;
    const target = {
      target: { kind: 'lsn', lsn, inclusive: false },
      text: `just before transaction ${named.xid}`,
      time: named.commitTime,
      beforeXid: named.xid,
      ...begin,
    };
    return { wish: { ...known, target }, named: { source: name, suspect: named } };
  }
  const target = await chooseTarget(options, opened, context);
  const said = written(target);
  const along = timeline === undefined ? '' : `, along timeline ${timeline}`;
  return { wish: { ...known, target: { ...said, text: `${said.text}${along}`, ...begin } } };
}

function parseMethod(text: string): Method {
  if (Object.hasOwn(methods, text)) return text as Method;
  throw new LifeboatError('usage.invalid', `there is no method ${JSON.stringify(text)}`, {
    hint: `It is one of ${Object.keys(methods).join(', ')}.`,
  });
}

function isTargetNamed({ at, beforeXid, xid, name, snapshot, timeline }: WishValues): boolean {
  return [at, beforeXid, xid, name, snapshot, timeline].some((each) => each !== undefined);
}

/** The one whose log is meant. */
async function clusterOf(
  sources: readonly string[],
  { configuration }: Surroundings,
): Promise<string | undefined> {
  return sources.find((name) => configuration.sources[name]?.kind === 'postgres');
}

/** Of files, volumes and dumps there is no log: a moment in time, or a snapshot of theirs. */
async function ofFiles(
  options: WishValues,
  sources: readonly string[],
  surroundings: Surroundings,
  { output: { progress } }: CommandContext,
) {
  const { at, beforeXid, xid, name, snapshot } = options;
  if ([beforeXid, xid, name].some((each) => each !== undefined)) {
    throw new LifeboatError(
      'usage.invalid',
      'transactions and names are of the log of PostgreSQL',
      {
        hint: 'Of files and of dumps give --at with a time, or --snapshot.',
      },
    );
  }
  if (snapshot === undefined) return written(parseTarget(at, new Date()));
  if (at !== undefined && at !== 'snapshot-end') {
    throw new LifeboatError('usage.invalid', '--at and --snapshot exclude each other here', {
      hint: 'Files and dumps are as their snapshot has them: give only one of the two.',
    });
  }
  const [source, other] = sources;
  if (source === undefined || other !== undefined) {
    throw new LifeboatError(
      'usage.invalid',
      `--snapshot is of one source, not of ${sources.join(', ')}`,
      {
        hint: 'Name the source before it: its newest good snapshot is not taken for the others unasked.',
      },
    );
  }
  const opened = await surroundings.source(source, 'look');
  assert(opened.kind !== 'postgres', `${source} has a log`);
  const repository = await surroundings.repositoryOf(source);
  const own = await opened.snapshots({ repository, progress });
  const id = snapshot === 'latest' ? own[0]?.id : (await repository.findSnapshot(snapshot)).id;
  const found = own.find((each) => each.id === id);
  if (found === undefined) {
    throw new LifeboatError(
      'repository.snapshot-missing',
      id === undefined
        ? `there is no snapshot of ${source}`
        : `snapshot ${id.slice(0, 8)} is none of ${source}`,
      { hint: `List what there is with \`lifeboat points ${source}\`.` },
    );
  }
  const text = `snapshot ${found.id.slice(0, 8)} of ${found.time.toISOString()}`;
  return { target: writeTarget({ kind: 'snapshot-end' }), text, snapshot: found.id };
}

function written(target: RecoveryTarget) {
  return {
    target: writeTarget(target),
    text: describeTarget(target),
    ...(target.kind === 'time' ? { time: target.time.toISOString() } : {}),
  };
}

/** What `--before-xid` names, if the log says that it destroyed something. */
async function transactionOf(
  { beforeXid, timeline }: WishValues,
  opened: Parameters<typeof findTransaction>[0],
  { signal, output }: CommandContext,
) {
  if (beforeXid === undefined || timeline !== undefined) return undefined;
  try {
    return await findTransaction(opened, parseXid(beforeXid), {
      signal,
      progress: output.progress,
    });
  } catch (error) {
    if (isLifeboatError(error, 'rescue.no-suspect')) return undefined;
    throw error;
  }
}
