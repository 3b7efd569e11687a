import { holdsFiles } from '../../config/index.ts';
import { parseLsn } from '../../wal/index.ts';
import { isCompromised } from './compromised.ts';
import type { PlanFacts, SourceFacts } from './facts.ts';
import { describeForeign } from './foreign-cluster.ts';
import { goneFrom } from './gone-from.ts';
import { tablesTogether } from './matrix.ts';
import { endsAtNewest, momentOf, namedOf } from './moment.ts';
import type { Method } from './plan.ts';
import { relevantSuspects } from './relevant-suspects.ts';
import type { Situation } from './situation.ts';
import { tablesOf } from './tables-of.ts';

/** What must hold before a method can be chosen. */
export type Precondition =
  | 'server-up'
  | 'server-is-a-service'
  | 'nothing-damaged'
  | 'rows-told'
  | 'tables-told'
  | 'moment-known'
  | 'moment-stored'
  | 'no-moment-named'
  | 'newest-is-good'
  | 'something-stored'
  | 'ground'
  | 'ground-same'
  | 'ground-elsewhere'
  | 'ground-clean'
  | 'clean-point'
  | 'baseline-differs'
  | 'data-there';

export interface Considered {
  readonly method: Method;
  readonly situation: Situation | undefined;
  readonly source: SourceFacts;
  readonly facts: PlanFacts;
}

/** How a reason begins that only a moment takes away. */
export const momentUnknown = 'nobody knows to which moment';

type Test = (considered: Considered) => string | undefined;

/** Why it does not hold, with what would change that; undefined: it holds. */
const tests: Readonly<Record<Precondition, Test>> = {
  'server-up': ({ source }) => (source.server === 'up' ? undefined : notUp(source)),
  'server-is-a-service': ({ source }) =>
    source.service === undefined
      ? `nobody says which service the server is: set sources.${source.name}.service`
      : undefined,
  'nothing-damaged': ({ source }) => {
    const { damage, server } = source;
    const gone = goneFrom(source);
    if (gone !== undefined) return `${gone}: started again it would be new and empty, or not start`;
    if (server === 'other') return `${describeForeign(source)}: starting it brings nothing back`;
    const isSound = !damage.isUnreadable && !damage.isEmpty && damage.damagedTables.length === 0;
    return isSound ? undefined : 'starting again repairs no data';
  },
  'rows-told': ({ source, facts }) => {
    const found = relevantSuspects(source, facts.wish);
    if (found.length === 0) return 'no transaction in the log deleted or truncated anything';
    if (found.some(({ action }) => action === 'rescue')) return undefined;
    return [...new Set(found.map(({ reason }) => reason))].join('; ');
  },
  'tables-told': (considered) => {
    const groups = tablesOf(considered);
    if (groups.length === 0) return 'nobody knows which tables: name them with --tables';
    const count = groups.reduce((sum, { tables }) => sum + tables.length, 0);
    if (count <= tablesTogether) return undefined;
    return `${count} tables are too many to be fetched one by one`;
  },
  'moment-known': ({ method, situation, source, facts }) =>
    momentOf(method, situation, source, facts) === undefined
      ? `${momentUnknown}: name it with ${source.kind === 'postgres' ? '--at or --before-xid (`lifeboat find-loss` shows them)' : '--at, the last one when all was well'}`
      : undefined,
  'moment-stored': ({ method, situation, source, facts }) => {
    const moment = momentOf(method, situation, source, facts);
    return moment === undefined ? undefined : outside(moment, source);
  },
  'no-moment-named': ({ facts }) =>
    facts.wish.target === undefined
      ? undefined
      : 'a moment was named, and this goes to the newest state',
  'newest-is-good': ({ situation }) =>
    situation === undefined || endsAtNewest.includes(situation)
      ? undefined
      : 'the newest state has the loss in it',
  'something-stored': ({ source, facts }) =>
    source.snapshots.length > 0
      ? noneBefore(source, facts)
      : `no snapshot of ${source.name} is in the repository: ask for a copy of it (\`lifeboat copy\`)`,
  ground: ({ source }) => {
    if (source.ground === undefined) {
      const how = source.kind === 'postgres-dump' ? ' to { kind: server, connection: URL }' : '';
      return `nobody says where to put it: set sources.${source.name}.ground${how}`;
    }
    const { problem, text, kind } = source.ground;
    if (source.kind === 'postgres-dump' && kind !== 'server') {
      return `dumps are loaded into a server: set sources.${source.name}.ground to { kind: server, connection: URL }, which may be the one they are of`;
    }
    return problem === undefined ? undefined : `${text} cannot be looked at: ${problem}`;
  },
  'ground-same': ({ source: { ground, name } }) =>
    ground?.isElsewhere
      ? `sources.${name}.ground is another place (${ground.text}): that is a new server`
      : undefined,
  'ground-elsewhere': ({ source: { ground, name } }) =>
    ground === undefined || ground.isElsewhere
      ? undefined
      : `${ground.text} is where it is now: set sources.${name}.ground to another place`,
  'ground-clean': ({ source, facts }) => {
    const { ground } = source;
    if (ground === undefined) return undefined;
    const why = isCompromised(ground, source, facts.services);
    if (why === undefined) return undefined;
    return `${ground.text} is ${why}, which is never used again after an intrusion: set sources.${source.name}.ground to new infrastructure`;
  },
  'clean-point': ({ method, situation, source, facts }) => {
    if (momentOf(method, situation, source, facts) !== undefined) return undefined;
    if (facts.wish.target?.time === undefined && source.damage.suspects.length === 0) {
      return 'nobody knows when the intrusion began: name the moment with --at';
    }
    return `no restore point of ${source.name} from before the intrusion is proven and free of doubts: look for one with \`lifeboat prove ${source.name} --snapshot ID\``;
  },
  'baseline-differs': ({ source, facts }) =>
    facts.services.some(
      ({ changes, writes }) =>
        changes.length > 0 && (writes.length === 0 || writes.includes(source.name)),
    )
      ? undefined
      : 'no service differs from its recorded baseline',
  'data-there': ({ source }) =>
    holdsFiles(source.kind)
      ? missingFiles(source)
      : source.server === 'up' && !source.damage.isEmpty
        ? undefined
        : `there is nothing to back up: ${source.server === 'up' ? 'no table of the last baseline is there any more' : notUp(source)}`,
};

/** Why nobody can work with the server. */
function notUp(source: SourceFacts): string {
  const { server, text } = source;
  if (server === 'refusing') return `the server at ${text} answers, and refuses to let us in`;
  if (server === 'other') return describeForeign(source);
  return `the server at ${text} does not ${server === 'down' ? 'answer' : 'work'}`;
}

function missingFiles({ damage, text }: SourceFacts): string | undefined {
  const isGone = (damage.files?.missingPaths.length ?? 0) > 0;
  return isGone ? `there is nothing to back up: ${text} is not there` : undefined;
}

/** A later snapshot may hold what was to be undone: it is taken only where a person names it. */
function noneBefore(source: SourceFacts, { wish }: PlanFacts): string | undefined {
  const { kind, name, snapshots } = source;
  const { time } = wish.target ?? {};
  if (kind === 'postgres' || time === undefined || namedOf(source, wish)) return undefined;
  if (snapshots.some((each) => each.time <= time)) return undefined;
  const first = snapshots.map((each) => each.time).toSorted()[0];
  return `no snapshot of ${name} is from before ${time}; the first is of ${first}: \`lifeboat recover ${name} --snapshot ID\` takes a later one (\`lifeboat points ${name}\`)`;
}

/** What stands against a method, for people. Empty: nothing. */
export function unmet(needs: readonly Precondition[], considered: Considered): readonly string[] {
  return needs.flatMap((need) => tests[need](considered) ?? []);
}

/** Why a moment cannot be restored, as far as windows and snapshots tell. */
function outside(
  { target, time, lsn }: { target: Readonly<Record<string, unknown>>; time?: string; lsn?: string },
  { windows, snapshots, name, kind }: SourceFacts,
): string | undefined {
  if (snapshots.length === 0) return `no snapshot of ${name} is in the repository`;
  if (kind !== 'postgres') return undefined;
  if (target.kind === 'latest' || target.kind === 'snapshot-end') return undefined;
  if (lsn !== undefined && windows.some((each) => holds(each, lsn))) return undefined;
  if (lsn === undefined && time === undefined) return undefined;
  const isIn = windows.some((each) => each.from <= (time ?? '') && (time ?? '') <= each.to);
  if (lsn === undefined && isIn) return undefined;
  const spans = windows.map(({ from, to }) => `${from} to ${to}`).join(', ');
  const isAfter = lsn === undefined && windows.every(({ to }) => (time ?? '') > to);
  const newest =
    windows.length > 0 && isAfter ? '; nothing newer was written or stored: --at latest' : '';
  return `no recovery window holds that moment (there are: ${spans || 'none'})${newest}`;
}

function holds({ fromLsn, toLsn }: SourceFacts['windows'][number], lsn: string): boolean {
  const at = parseLsn(lsn);
  return parseLsn(fromLsn) <= at && at <= parseLsn(toLsn);
}
