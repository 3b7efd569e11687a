import { LifeboatError } from '../core/index.ts';
import {
  chooseSnapshot,
  type GroupField,
  groupFields,
  matchesFilter,
  type Repository,
  type Snapshot,
  type SnapshotChoice,
  type SnapshotFilter,
} from '../repository/index.ts';
import type { CommandContext } from './command.ts';
import { parseMoment } from './moment.ts';

/** Options of every command that works on some of the snapshots. */
export const filterOptions = {
  host: { flags: '-H, --host <host>', description: 'only of this host', repeatable: true },
  tag: {
    flags: '--tag <tags>',
    description: 'only with this tag; a,b: with both; given again: or; "": with none',
    repeatable: true,
    mayBeEmpty: true,
  },
  path: {
    flags: '--path <path>',
    description: 'only whose backup was of this path; given again: and',
    repeatable: true,
  },
  source: { flags: '--source <name>', description: 'only of this source', repeatable: true },
} as const;

export const groupByOption = {
  flags: '-g, --group-by <fields>',
  description: 'host, paths, tags, source, with commas between; "" for one group of all',
  mayBeEmpty: true,
} as const;

/** What every `SNAPSHOT` argument may be. */
export const snapshotArgument = {
  name: '<snapshot>',
  description:
    'an id or its beginning, latest, latest~1 (the one before), or a moment: "2 days ago"',
} as const;

interface FilterValues {
  readonly host: readonly string[] | undefined;
  readonly tag: readonly string[] | undefined;
  readonly path: readonly string[] | undefined;
  readonly source: readonly string[] | undefined;
}

export function filterOf({ host, tag, path, source }: FilterValues): SnapshotFilter {
  return {
    ...(host ? { hosts: host } : {}),
    ...(tag ? { tags: tag.map(tagList) } : {}),
    ...(path ? { paths: path } : {}),
    ...(source ? { sources: source } : {}),
  };
}

/** `a,b`; the empty text is one empty tag, which means "no tags". */
export function tagList(text: string): readonly string[] {
  return text.split(',').map((tag) => tag.trim());
}

/** Errors: `usage.invalid`. */
export function groupByOf(text: string): readonly GroupField[] {
  const aliases: Readonly<Record<string, GroupField>> = {
    hosts: 'host',
    path: 'paths',
    tag: 'tags',
  };
  const fields = text.split(',').map((each) => each.trim());
  return fields
    .filter((each) => each !== '')
    .map((each) => {
      const field = aliases[each] ?? groupFields.find((one) => one === each);
      if (field) return field;
      throw new LifeboatError('usage.invalid', `cannot group by ${JSON.stringify(each)}`, {
        hint: `It is one or more of ${groupFields.join(', ')}, with commas between.`,
      });
    });
}

/** Errors: `usage.invalid`. */
export function parseSnapshotChoice(text: string, now: Date): SnapshotChoice {
  const latest = /^latest(?:~(\d{1,6}))?$/.exec(text);
  if (latest) return { kind: 'latest', back: Number(latest[1] ?? 0) };
  if (/^[0-9a-f]{4,64}$/.test(text)) return { kind: 'id', prefix: text };
  try {
    return { kind: 'moment', moment: parseMoment(text, now) };
  } catch (error) {
    throw new LifeboatError('usage.invalid', `${JSON.stringify(text)} names no snapshot`, {
      hint: 'Write an id or its first four digits, latest, latest~1, or a moment: "2 days ago", "2026-11-21 14:29".',
      cause: error,
    });
  }
}

/** The snapshots that are meant, newest first; damaged ones are passed over with a warning. */
export async function meantSnapshots(
  repository: Repository,
  filter: SnapshotFilter,
  { signal, output }: CommandContext,
): Promise<readonly Snapshot[]> {
  const all = await repository.snapshots({ signal, progress: output.progress });
  return all.filter((each) => matchesFilter(each, filter));
}

/** Those that `texts` name, each once; all that are meant when there are none. Errors: `repository.snapshot-missing`. */
export async function namedSnapshots(
  repository: Repository,
  texts: readonly (string | undefined)[],
  filter: SnapshotFilter,
  context: CommandContext,
): Promise<readonly Snapshot[]> {
  const meant = await meantSnapshots(repository, filter, context);
  const names = texts.filter((text) => text !== undefined);
  if (names.length === 0) return meant;
  const now = new Date();
  const chosen = names.map((text) => chooseSnapshot(meant, parseSnapshotChoice(text, now)));
  return [...new Set(chosen)];
}
