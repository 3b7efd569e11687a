import { judgeFreeze } from '../../freeze/what-to-freeze.ts';
import type { SourceChoice } from '../choose-method.ts';
import type { SourceFacts } from '../facts.ts';
import { methods } from '../matrix.ts';
import type { Plan } from '../plan.ts';
import {
  type Delivered,
  deliverStep,
  pointSteps,
  settleStep,
  startServerStep,
  stopServerStep,
  swapStep,
} from './deliver-steps.ts';
import { type Building, type StepDraft, sourceOf } from './draft.ts';
import { alsoRescues, extractSteps, rescueSteps } from './live-steps.ts';
import { newBackupSteps, redeploySteps, restartSteps } from './plain-steps.ts';
import { assessStep, freezeStep, identifyStep, preserveSteps } from './protect-steps.ts';
import { hardenSteps, isolateSteps, newPlaceStep, newServicesStep } from './rebuild-steps.ts';
import {
  restoreFilesStep,
  restoreStep,
  testServicesStep,
  validateDeliveredStep,
  validateStep,
} from './recover-steps.ts';
import {
  afterSteps,
  backupSteps,
  isClosed,
  protectElsewhereStep,
  startAbsentSteps,
  thawStep,
  watchStep,
} from './return-steps.ts';

/** What can be rehearsed without touching what is in use. */
const rehearsed = [
  'identify',
  'rescue-rows',
  'extract',
  'restore',
  'restore-files',
  'validate',
  'test-services',
];

/** The steps of a choice, in the order of the design: protect, recover beside, validate, put in place, return. */
export function assembleSteps(
  building: Building,
  choices: readonly SourceChoice[],
  places: Plan['places'],
): readonly StepDraft[] {
  const identify = identifyStep(places, building.facts);
  const isIntrusion = choices.some(({ method }) => method === 'clean-rebuild');
  const steps = isIntrusion ? rebuild(building, choices) : recover(building, choices);
  if (building.mode === 'live') return [identify, ...steps];
  const kept = steps.filter(
    ({ kind, id }) => rehearsed.includes(kind) && !(kind === 'validate' && id.startsWith('look-')),
  );
  return [identify, ...kept];
}

function recover(building: Building, choices: readonly SourceChoice[]): readonly StepDraft[] {
  const { facts } = building;
  const by = (...wanted: SourceChoice['method'][]) =>
    choices.filter(({ method }) => wanted.includes(method));
  const sources = choices.map(({ source }) => sourceOf(building, source));
  const touched = choices.filter(({ method }) => methods[method].changes !== 'nothing');
  const touchedSources = touched.map(({ source }) => sourceOf(building, source));
  const { severity } = facts.incident;
  const frozen = touched
    .map(({ source, method }) => ({ source: sourceOf(building, source), method }))
    .filter(({ source: { environment }, method }) => {
      return judgeFreeze({ environment, severity, method }).isFrozen;
    })
    .map(({ source }) => source);

  const live = [...by('rescue-rows', 'table-from-the-past')];
  const beside = [
    ...by('point-in-time', 'full-restore', 'new-server'),
    ...by('restore-files').filter((choice) => isDelivered(building, choice)),
  ];
  const inPlace = by('restore-files').filter((choice) => !beside.includes(choice));
  const delivered = beside.map((choice) => deliveredOf(building, choice));
  const redeployed = redeploySteps(building, by('redeploy'));
  const moved = by('new-server').map(({ source }) => source);

  return [
    ...(frozen.length > 0 ? [freezeStep(building, frozen)] : []),
    ...preserveSteps(building, touchedSources),
    ...(touched.length > 0 ? [assessStep(sources, facts)] : []),

    ...by('restart').flatMap((choice) => restartSteps(building, choice)),
    ...redeployed,
    ...live.flatMap((choice) => [
      ...(alsoRescues(building, choice) ? rescueSteps(building, choice) : []),
      ...(choice.method === 'table-from-the-past' ? extractSteps(building, choice) : []),
    ]),
    ...inPlace.map((choice) => restoreFilesStep(building, choice, 'in-place')),
    ...[...live, ...inPlace].map(({ source }) =>
      validateStep(building, sourceOf(building, source), 'live'),
    ),
    ...besideSteps(building, delivered),
    ...putInPlace(building, delivered),

    ...(delivered.length > 0 ? afterSteps(building) : []),
    ...by('new-server').flatMap(({ source }) => pointSteps(building, sourceOf(building, source))),
    ...(frozen.length > 0
      ? [
          thawStep(
            building,
            frozen,
            frozen.filter(({ name }) => moved.includes(name)),
          ),
        ]
      : []),
    ...(touched.length > 0 ? startAbsentSteps(building, touchedSources) : []),
    ...(by('new-backup').length === choices.length
      ? []
      : [
          watchStep(
            building,
            sources,
            redeployed.map(({ input }) => String(input.service)),
          ),
        ]),
    ...backupSteps(touchedSources.filter(({ name }) => !moved.includes(name))),
    ...touchedSources
      .filter(({ name }) => moved.includes(name))
      .map((each) => protectElsewhereStep(each, frozen.includes(each))),
    ...by('new-backup').flatMap((choice) => newBackupSteps(building, choice)),
    ...delivered.map(({ source }) => {
      const isFormerClosed = moved.includes(source.name) && frozen.includes(source);
      return settleStep(building, source, isFormerClosed && isClosed(source));
    }),
  ];
}

/** Nothing of what the intruder had is stopped, started, swapped or pointed: it is cut off, and left alone. */
function rebuild(building: Building, choices: readonly SourceChoice[]): readonly StepDraft[] {
  const sources = choices.map(({ source }) => sourceOf(building, source));
  const delivered = choices.map((choice) => deliveredOf(building, choice));
  return [
    ...isolateSteps(building, sources),
    newPlaceStep(sources),
    ...besideSteps(building, delivered),
    ...delivered.map((each) => swapStep(building, each)),
    ...hardenSteps(building),
    newServicesStep(building, sources),
  ];
}

/** Restored, checked, tried and brought beside what is in use. */
function besideSteps(building: Building, delivered: readonly Delivered[]): readonly StepDraft[] {
  // Dumps are nothing that could be looked at, or worked with, before a server has loaded them.
  const dumped = delivered.filter(({ source }) => source.kind === 'postgres-dump');
  const whole = delivered.filter((each) => !dumped.includes(each));
  return [
    ...delivered.map(({ choice }) => restoreStep(building, choice)),
    ...whole.map(({ source, choice, restored }) =>
      validateStep(building, source, { step: restored, moment: choice.moment }),
    ),
    ...whole.flatMap(({ source, restored }) => testServicesStep(building, source, restored)),
    ...delivered.map((each) => deliverStep(building, each)),
    // A rehearsal loads nothing on a server that is in use.
    ...(building.mode === 'drill' ? [] : dumped).flatMap(({ source }) => [
      validateDeliveredStep(building, source),
      ...testServicesStep(building, source, `deliver-${source.name}`),
    ]),
  ];
}

function putInPlace(building: Building, delivered: readonly Delivered[]): readonly StepDraft[] {
  return [
    ...delivered.flatMap(({ source }) => stopServerStep(building, source)),
    ...delivered.map((each) => swapStep(building, each)),
    ...delivered.flatMap(({ source }) => startServerStep(building, source)),
  ];
}

/** Files go back where they were; to a ground only when one is configured and what is there is not to be kept. */
function isDelivered(building: Building, { source, situation }: SourceChoice): boolean {
  if (building.mode === 'drill') return true;
  const { ground, isOutOfReach }: SourceFacts = sourceOf(building, source);
  if (ground === undefined) return false;
  return isOutOfReach === true || situation?.situation !== 'files-damaged';
}

function deliveredOf(building: Building, choice: SourceChoice): Delivered {
  const source = sourceOf(building, choice.source);
  return { source, choice, restored: `restore-${source.name}` };
}
