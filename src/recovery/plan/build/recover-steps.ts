import { holdsFiles } from '../../../config/index.ts';
import type { SourceChoice } from '../choose-method.ts';
import { expectRestore, expectStep, expectValidate } from '../expect-time.ts';
import type { SourceFacts } from '../facts.ts';
import type { PlanMoment } from '../moment.ts';
import { predictLoss } from '../predict-loss.ts';
import { type Building, draft, type StepDraft, sourceOf } from './draft.ts';

/** The source as it was, in the folder of the run on this host: nothing that is in use is touched. */
export function restoreStep(building: Building, choice: SourceChoice): StepDraft {
  const source = sourceOf(building, choice.source);
  const { moment } = choice;
  if (holdsFiles(source.kind)) return restoreFilesStep(building, choice, 'run-folder');
  if (source.kind === 'postgres-dump') return restoreDumpsStep(building, source, moment);
  return draft({
    id: `restore-${source.name}`,
    kind: 'restore',
    title: `Restore ${source.name} beside what is there: ${moment?.text ?? 'the newest state'}`,
    target: 'the folder of the run on this host',
    commands: [['lifeboat', 'restore', source.name, '--to', 'FOLDER', ...targetArguments(moment)]],
    input: {
      source: source.name,
      target: moment?.target ?? { kind: 'latest' },
      ...(moment?.snapshot === undefined ? {} : { snapshot: moment.snapshot }),
      ...(moment?.timeline === undefined ? {} : { timeline: moment.timeline }),
    },
    undo: 'the folder is removed',
    evidence: ['snapshot, log position reached, files and bytes'],
    expected: expectRestore(source, moment),
  });
}

/** Every byte is compared with its hash on its way; what is in the dumps is looked at when they are loaded. */
function restoreDumpsStep(
  { facts }: Building,
  { name, snapshots }: SourceFacts,
  moment: PlanMoment | undefined,
): StepDraft {
  const snapshot = moment?.snapshot ?? snapshots[0]?.id ?? '';
  const bytes = snapshots.find(({ id }) => id === snapshot)?.bytes;
  return draft({
    id: `restore-${name}`,
    kind: 'restore',
    title: `Take the dumps of ${name} out of the repository: ${moment?.text ?? 'the newest'}`,
    target: 'the folder of the run on this host',
    commands: [['lifeboat', 'dump', snapshot.slice(0, 8), '/databases/NAME.dump']],
    input: { source: name, target: { kind: 'snapshot-end' }, snapshot },
    undo: 'the folder is removed',
    evidence: ['snapshot, moment of each dump, bytes'],
    expected: expectStep('restore', facts, {
      source: name,
      ...(bytes === undefined ? {} : { count: bytes }),
    }),
  });
}

/** Of what a step delivered by connection alone: it is looked at where it will be used, before anybody uses it. */
export function validateDeliveredStep({ facts }: Building, source: SourceFacts): StepDraft {
  const { name, ground } = source;
  return draft({
    id: `validate-${name}`,
    kind: 'validate',
    title: `Check the loaded data of ${name}, before anybody uses it`,
    target: ground?.text ?? source.text,
    input: { source: name, of: `deliver-${name}`, level: 'full' },
    evidence: ['rows of every table; constraints and indexes'],
    expected: expectStep('validate', facts, { source: name }),
  });
}

/** In place: what is there and right stays; each file is replaced in one step. */
export function restoreFilesStep(
  building: Building,
  choice: SourceChoice,
  into: 'run-folder' | 'in-place',
): StepDraft {
  const source = sourceOf(building, choice.source);
  const snapshot = choice.moment?.snapshot ?? source.snapshots[0]?.id ?? '';
  const { changed = 0, signs = [] } = source.damage.files ?? {};
  const isSuspicious = changed > 0 || signs.length > 0 || choice.method === 'clean-rebuild';
  const replace = into === 'run-folder' || isSuspicious ? 'changed' : 'missing';
  const bytes = source.snapshots.find(({ id }) => id === snapshot)?.bytes;
  const isInPlace = into === 'in-place';
  const isGone = (source.damage.files?.missingPaths.length ?? 0) > 0;
  const { loss } = predictLoss(choice, building.facts);
  const policy = replace === 'missing' ? ['--overwrite', 'never'] : ['--verify-existing'];
  return draft({
    id: `restore-${source.name}`,
    kind: 'restore-files',
    title: isInPlace
      ? replace === 'missing'
        ? `Put back the files of ${source.name} that are missing; newer ones stay`
        : `Put back the files of ${source.name} that are missing or differ`
      : `Restore the files of ${source.name} beside what is there`,
    target: isInPlace ? source.text : 'the folder of the run on this host',
    commands: [
      isInPlace
        ? ['lifeboat', 'restore', source.name, '--snapshot', snapshot, '--in-place', ...policy]
        : ['lifeboat', 'restore', source.name, '--snapshot', snapshot, '--target', 'FOLDER'],
    ],
    input: { source: source.name, snapshot, into, replace },
    isDestructive: isInPlace,
    undo: isInPlace
      ? isGone
        ? 'nothing was there; what is put back is removed by hand'
        : `a restore of the safety snapshot of ${source.name}, by hand: it has every file as it is now`
      : 'the folder is removed',
    evidence: ['files written, kept, and not restored'],
    expected: expectStep('restore-files', building.facts, {
      source: source.name,
      ...(bytes === undefined ? {} : { count: bytes }),
    }),
    ...(isInPlace
      ? {
          asked: {
            authority: replace === 'missing' ? ('execute' as const) : ('accept-data-loss' as const),
            question:
              replace === 'missing'
                ? `Put missing files back into ${source.text}?`
                : `Replace files of ${source.text} that differ? Given up: ${loss}.`,
            typed: source.name,
          },
        }
      : {}),
  });
}

/** Of the copy; or, where the live source was written to, of that. */
export function validateStep(
  building: Building,
  source: SourceFacts,
  of: { readonly step: string; readonly moment: PlanMoment | undefined } | 'live',
): StepDraft {
  const isLive = of === 'live';
  return draft({
    id: isLive ? `look-${source.name}` : `validate-${source.name}`,
    kind: 'validate',
    title: isLive
      ? `Check the data of ${source.name} in use`
      : `Check the restored data of ${source.name}`,
    target: isLive ? source.text : 'the folder of the run on this host',
    input: {
      source: source.name,
      of: isLive ? 'live' : of.step,
      level: isLive ? 'quick' : 'full',
    },
    evidence: ['every check, what it looked at, what it could not'],
    expected: isLive
      ? expectStep('validate', building.facts, { source: source.name })
      : source.kind === 'postgres'
        ? expectValidate(source, of.moment)
        : expectStep('validate', building.facts, { source: source.name }),
  });
}

/** Services on the restored data, on another port and without a way out: before users meet it. */
export function testServicesStep(
  { configuration, facts }: Building,
  source: SourceFacts,
  of: string,
): readonly StepDraft[] {
  const testable = configuration.services.filter(
    ({ test, writes = [] }) => test !== undefined && writes.includes(source.name),
  );
  if (testable.length === 0) return [];
  const names = testable.map(({ name }) => name);
  return [
    draft({
      id: `try-${source.name}`,
      kind: 'test-services',
      title: `Try ${names.join(', ')} on the restored data of ${source.name}`,
      target: 'this host, other ports',
      commands: testable.flatMap(({ test }) => (test ? [test.start, test.stop] : [])),
      input: { source: source.name, of, services: names },
      evidence: ['answers and times of every check', 'errors in the output'],
      expected: expectStep('test-services', facts, { source: source.name }),
    }),
  ];
}

/** As `restore` and `extract` take a moment on the command line. */
export function targetArguments(moment: PlanMoment | undefined): readonly string[] {
  const target: PlanMoment['target'] = moment?.target ?? { kind: 'latest' };
  const base = moment?.snapshot === undefined ? [] : ['--snapshot', moment.snapshot.slice(0, 8)];
  const of = (name: string) => String(target[name]);
  switch (target.kind) {
    case 'time':
      return ['--at', of('time'), ...base];
    case 'lsn':
      return ['--at', of('lsn'), ...base];
    case 'snapshot-end':
      return ['--at', 'snapshot-end', ...base];
    case 'xid':
      return [target.inclusive === true ? '--xid' : '--before-xid', of('xid'), ...base];
    case 'name':
      return ['--name', of('name'), ...base];
    default:
      return base;
  }
}
