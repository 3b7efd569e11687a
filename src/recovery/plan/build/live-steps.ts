import type { LossSuspect } from '../../assess/loss-report.ts';
import type { SourceChoice } from '../choose-method.ts';
import { expectRescue, expectRestore, expectStep } from '../expect-time.ts';
import type { PlanMoment } from '../moment.ts';
import { relevantSuspects } from '../relevant-suspects.ts';
import { type TableGroup, tablesOf } from '../tables-of.ts';
import { type Building, draft, type StepDraft, sourceOf } from './draft.ts';
import { targetArguments } from './recover-steps.ts';

/** What is written into the live source: rows of transactions that can be undone so, and tables as they were. */
export function rescueSteps(building: Building, choice: SourceChoice): readonly StepDraft[] {
  const source = sourceOf(building, choice.source);
  return relevantSuspects(source, building.facts.wish)
    .filter(({ action }) => action === 'rescue')
    .toSorted((a, b) => b.commitTime.localeCompare(a.commitTime))
    .map((suspect) => rescueStep(building, choice, suspect));
}

function rescueStep(building: Building, choice: SourceChoice, suspect: LossSuspect): StepDraft {
  const source = sourceOf(building, choice.source);
  const { xid, commitLsn, commitTime, kind, tables } = suspect;
  const database = tables.find((each) => each.database !== null)?.database ?? source.database;
  const counted = tables.map(({ rows }) => rows ?? 0).reduce((sum, each) => sum + each, 0);
  const what = tables.map(({ schema, name }) => `${schema ?? '?'}.${name ?? '?'}`).join(', ');
  const past: PlanMoment = {
    target: { kind: 'lsn', lsn: suspect.target.lsn },
    text: '',
    lsn: suspect.target.lsn,
    ...(suspect.base ? { snapshot: suspect.base.snapshot } : {}),
  };
  const isDrill = building.mode === 'drill';
  const dryRun = isDrill ? ['--dry-run'] : [];
  return draft({
    id: `rescue-${source.name}-${xid}`,
    kind: 'rescue-rows',
    title: isDrill
      ? `Count what of transaction ${xid} could be put back`
      : `Put back what the ${kind} of transaction ${xid} destroyed (${what})`,
    target: `${database ?? 'the database'} of ${source.text}`,
    commands: [['lifeboat', 'rescue', source.name, '--xid', String(xid), ...dryRun]],
    input: {
      source: source.name,
      xid,
      commitLsn,
      ...(database === undefined ? {} : { database }),
      ...(isDrill ? { dryRun: true as const } : {}),
    },
    isDestructive: !isDrill,
    undo: 'one transaction: all of it or nothing; what came back can be deleted again',
    evidence: ['rows put back, already there, and in conflict'],
    expected: expectRescue(source, past, building.facts, counted),
    ...(isDrill
      ? {}
      : {
          asked: {
            authority: 'execute' as const,
            question: `Insert the rows that transaction ${xid} destroyed at ${commitTime} into ${database ?? source.name}?`,
            typed: database ?? source.name,
          },
        }),
  });
}

/** Tables of the moment; what exists under the same name is never replaced: then a person takes over what is needed. */
export function extractSteps(building: Building, choice: SourceChoice): readonly StepDraft[] {
  const { facts } = building;
  const source = sourceOf(building, choice.source);
  const situation = choice.situation?.situation;
  const rescued = new Set(alsoRescues(building, choice) ? rescuable(building, choice) : []);
  return tablesOf({ source, facts, situation })
    .map((group) => ({
      ...group,
      tables: group.tables.filter(({ schema, name }) => !rescued.has(`${schema}.${name}`)),
      isWhole: group.tables.length === 0,
    }))
    .filter(({ tables, isWhole }) => isWhole || tables.length > 0)
    .flatMap((group, at) => extractGroup(building, choice, group, at + 1));
}

/** Beside tables that were dropped or overwritten, rows that were deleted are put back, unless somebody wants it otherwise. */
export function alsoRescues({ facts }: Building, { method, situation }: SourceChoice): boolean {
  if (method === 'rescue-rows') return true;
  const { wish } = facts;
  if (wish.method !== undefined || wish.tables !== undefined) return false;
  return situation?.situation === 'table-dropped' || situation?.situation === 'rows-overwritten';
}

/** Tables whose rows are put back one by one in the same plan. */
function rescuable(building: Building, choice: SourceChoice): readonly string[] {
  const source = sourceOf(building, choice.source);
  const all = relevantSuspects(source, building.facts.wish);
  const others = all.filter(({ action }) => action !== 'rescue').flatMap(({ tables }) => tables);
  return all
    .filter(({ action }) => action === 'rescue')
    .flatMap(({ tables }) => tables)
    .filter((table) => !others.some(({ oid }) => oid === table.oid))
    .map(({ schema, name }) => `${schema}.${name}`);
}

function extractGroup(
  building: Building,
  choice: SourceChoice,
  { database, tables, into }: TableGroup,
  number: number,
): readonly StepDraft[] {
  const source = sourceOf(building, choice.source);
  const { moment } = choice;
  const names = tables.map(({ schema, name }) =>
    schema === undefined ? name : `${schema}.${name}`,
  );
  const what = tables.length === 0 ? `the database ${database}` : names.join(', ');
  const place = building.mode === 'drill' ? 'run-folder' : into;
  const isOriginal = place === 'original';
  const where = {
    original: `${database} of ${source.text}`,
    'side-schema': `a new schema of ${database} of ${source.text}`,
    'run-folder': 'the folder of the run on this host',
  }[place];
  const destination = {
    original: ['--into', 'URL'],
    'side-schema': ['--side-schema', `past_${number}`],
    'run-folder': ['--to-file', 'FILE'],
  }[place];
  const id = `extract-${source.name}-${number}`;
  const step = draft({
    id,
    kind: 'extract',
    title: `Fetch ${what} as of ${moment?.text ?? 'the newest state'}`,
    target: where,
    commands: [
      [
        ...['lifeboat', 'extract', source.name, '--database', database],
        ...names.flatMap((name) => ['--table', name]),
        ...targetArguments(moment),
        ...destination,
      ],
    ],
    input: {
      source: source.name,
      target: moment?.target ?? { kind: 'latest' },
      ...(moment?.snapshot === undefined ? {} : { snapshot: moment.snapshot }),
      ...(moment?.timeline === undefined ? {} : { timeline: moment.timeline }),
      database,
      tables,
      into: place,
    },
    isDestructive: isOriginal,
    undo: isOriginal ? 'what it brought can be dropped again' : 'what it brought is removed',
    evidence: ['tables, bytes, position reached, what was left out'],
    expected:
      expectStep('extract', building.facts, { source: source.name }) ??
      expectRestore(source, moment),
    ...(isOriginal
      ? {
          asked: {
            authority: 'execute' as const,
            question: `Bring ${what} back into ${database}? Nothing that exists is replaced.`,
            typed: database,
          },
        }
      : {}),
  });
  if (place !== 'side-schema') return [step];
  return [step, takeOverStep(source.name, what, number)];
}

/** Which of two values is right only a person can tell. */
function takeOverStep(source: string, what: string, number: number): StepDraft {
  return draft({
    id: `take-over-${source}-${number}`,
    kind: 'manual',
    title: `Take over from the fetched copy of ${what} what is right`,
    target: source,
    input: {
      instruction: `${what}: the former rows lie in a schema of their own beside the present ones. Compare them (by key), put back what was lost or overwritten with UPDATE or INSERT in one transaction, then drop that schema.`,
      typed: 'done',
    },
    evidence: ['who confirmed it, and the comment'],
  });
}
