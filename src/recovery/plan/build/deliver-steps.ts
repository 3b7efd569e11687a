import { parseTimeSpan, type ServiceSetting } from '../../../config/index.ts';
import { chooseBase } from '../choose-base.ts';
import type { SourceChoice } from '../choose-method.ts';
import { expectStep } from '../expect-time.ts';
import type { SourceFacts } from '../facts.ts';
import { predictLoss } from '../predict-loss.ts';
import { type Building, draft, type StepDraft, sourceOf } from './draft.ts';
import { freezeId, isReadable } from './protect-steps.ts';
import { serviceText, stopCommand } from './service-commands.ts';
import { startStep } from './start-step.ts';

/** How long what was replaced is kept. */
const keepFormerDefaultMs = 24 * 3_600_000;

export interface Delivered {
  readonly source: SourceFacts;
  readonly choice: SourceChoice;
  /** Id of the step that restored it. */
  readonly restored: string;
}

/** Beside what is in use, on the ground. */
export function deliverStep(
  building: Building,
  { source, choice, restored }: Delivered,
): StepDraft {
  const bytes = chooseBase(source, choice.moment).base?.bytes;
  const { ground } = source;
  return draft({
    id: `deliver-${source.name}`,
    kind: 'deliver',
    title: `Bring the restored ${source.name} to its place, beside what is in use`,
    target: ground?.text ?? source.text,
    input: { source: source.name, of: restored },
    undo: 'what was brought is removed',
    evidence: ['bytes, and that they are durable there'],
    expected: expectStep('deliver', building.facts, {
      source: source.name,
      ...(bytes === undefined ? {} : { count: bytes }),
    }),
  });
}

/** The moment of truth: what is given up is given up here. */
export function swapStep(building: Building, { source, choice }: Delivered): StepDraft {
  const { loss, lossMs } = predictLoss(choice, building.facts);
  const isElsewhere = source.ground?.isElsewhere ?? false;
  const place = source.ground?.text ?? source.text;
  const isFree = lossMs === 0;
  return draft({
    id: `swap-${source.name}`,
    kind: 'swap',
    title: `Put the restored ${source.name} in place`,
    target: place,
    input: { source: source.name, of: `deliver-${source.name}` },
    isDestructive: true,
    undo: 'the former data back in its place, until it is let go of',
    evidence: ['what was swapped, and where the former data lies'],
    expected: expectStep('swap', building.facts, { source: source.name }),
    asked: {
      authority: isFree ? 'execute' : 'accept-data-loss',
      question: isFree
        ? `Put the restored ${source.name} in place at ${place}?`
        : `Put ${source.name} as of ${choice.moment?.text ?? 'the newest stored state'} in place at ${place}? Given up: ${loss}.${isElsewhere ? '' : ' The former data is kept beside.'}`,
      typed: source.name,
    },
  });
}

/** The server does not run while its data is put in place: by its service, else by a person. */
export function stopServerStep(building: Building, source: SourceFacts): readonly StepDraft[] {
  if (!needsStop(source)) return [];
  const service = serverService(building, source);
  if (service === undefined) {
    return [
      draft({
        id: `stop-${source.name}`,
        kind: 'manual',
        title: `Stop the server of ${source.name}`,
        target: source.ground?.text ?? source.text,
        input: {
          instruction: `Stop the PostgreSQL server that uses ${source.ground?.text ?? source.text}, and see that nothing starts it again.`,
          typed: 'stopped',
        },
        evidence: ['who confirmed it'],
      }),
    ];
  }
  if (!ranBefore(building, service)) return [];
  return [
    draft({
      id: `stop-${source.name}`,
      kind: 'freeze',
      title: `Stop the server of ${source.name} (${service.name})`,
      target: serviceText(service),
      commands: [stopCommand(service)],
      input: { services: [service.name], sources: [], maintenance: false },
      isDestructive: true,
      undo: 'the server is started again',
      evidence: ['its state before'],
      expected: expectStep('freeze', building.facts, { source: source.name }),
      asked: {
        authority: 'execute',
        question: `Stop the server of ${source.name} (${serviceText(service)})?`,
      },
    }),
  ];
}

export function startServerStep(building: Building, source: SourceFacts): readonly StepDraft[] {
  if (isNewTree(source)) return [startNewServerStep(source)];
  if (!needsStop(source)) return [];
  const service = serverService(building, source);
  if (service !== undefined && !ranBefore(building, service)) {
    const title = `Start the server of ${source.name} (${service.name}) on the restored data`;
    return [startStep(building, service, title, `start-${source.name}`)];
  }
  if (service !== undefined) {
    return [
      draft({
        id: `start-${source.name}`,
        kind: 'thaw',
        title: `Start the server of ${source.name} (${service.name}) on the restored data`,
        target: serviceText(service),
        input: { of: `stop-${source.name}` },
        evidence: ['its state after'],
        expected: expectStep('thaw', building.facts, { source: source.name }),
      }),
    ];
  }
  return [
    draft({
      id: `start-${source.name}`,
      kind: 'manual',
      title: `Start the server of ${source.name}`,
      target: source.ground?.text ?? source.text,
      input: {
        instruction: `Start the PostgreSQL server on ${source.ground?.text ?? source.text}, and wait until it accepts connections.`,
        typed: 'started',
      },
      evidence: ['who confirmed it'],
    }),
  ];
}

/** Files of a cluster at a place where no server was before: nothing of the configuration starts one there. */
function startNewServerStep({ name, text, ground }: SourceFacts): StepDraft {
  const place = ground?.text ?? text;
  return draft({
    id: `start-${name}`,
    kind: 'manual',
    title: `Start a server on the restored ${name}`,
    target: place,
    input: {
      instruction: `The restored cluster of ${name} lies at ${place}, and nothing runs on it yet. Start a PostgreSQL server of the same major version there, and wait until it accepts connections.`,
      typed: 'started',
    },
    evidence: ['who confirmed it'],
  });
}

/** What did not run before is brought back by no thaw. */
function ranBefore({ facts }: Building, { name }: ServiceSetting): boolean {
  const status = facts.services.find((each) => each.name === name)?.status;
  return status !== 'absent' && status !== 'stopped';
}

/** Whoever used the former place learns of the new one: by their `switch`, else by a person. */
export function pointSteps(building: Building, source: SourceFacts): readonly StepDraft[] {
  const { able, others } = usersOf(building, source);
  const target = source.ground?.text ?? source.text;
  const names = able.map(({ name }) => name);
  const pointed = draft({
    id: byCommandId(source),
    kind: 'point-services',
    title: `Point ${names.join(', ')} at the restored ${source.name}`,
    target: able.map(serviceText).join('; '),
    commands: able.flatMap((each) => (each.switch ? [each.switch.command] : [])),
    input: { source: source.name, of: `deliver-${source.name}`, services: names },
    isDestructive: true,
    undo: 'each is pointed back by its own command',
    evidence: ['what each command said'],
    expected: expectStep('point-services', building.facts, { source: source.name }),
    asked: {
      authority: 'business-continuity',
      question: `Let ${names.join(', ')} work with ${target} from now on?`,
      typed: source.name,
    },
  });
  return [
    ...(able.length > 0 ? [pointed] : []),
    ...(others.length === 0 && able.length > 0
      ? []
      : [
          draft({
            id: byHandId(source),
            kind: 'manual',
            title: `Point ${others.map(({ name }) => name).join(', ') || 'whatever uses it'} at the restored ${source.name}`,
            target,
            input: {
              instruction: `${source.name} is at ${target} now. Change the address wherever it stands: environment, secret, connection pooler, DNS.`,
              typed: 'pointed',
            },
            evidence: ['who confirmed it'],
          }),
        ]),
  ];
}

/** Names of services, by the id of the step that points them. */
export function pointedBy(building: Building, source: SourceFacts) {
  const { able, others } = usersOf(building, source);
  return {
    ...(able.length > 0 ? { [byCommandId(source)]: able.map(({ name }) => name) } : {}),
    ...(others.length > 0 ? { [byHandId(source)]: others.map(({ name }) => name) } : {}),
  };
}

const byCommandId = ({ name }: SourceFacts) => `point-${name}`;
const byHandId = ({ name }: SourceFacts) => `point-by-hand-${name}`;

/** Services that write to it: those that are pointed by their own command, and those that a person points. */
function usersOf({ configuration }: Building, { name }: SourceFacts) {
  const all = configuration.services.filter(({ writes = [] }) => writes.includes(name));
  return {
    able: all.filter((each) => each.switch !== undefined),
    others: all.filter((each) => each.switch === undefined),
  };
}

/** The end of the way back. `isFormerClosed`: a freeze of this plan keeps everybody out of the place that it leaves. */
export function settleStep(
  building: Building,
  source: SourceFacts,
  isFormerClosed: boolean,
): StepDraft {
  const { keepFormer } = building.configuration.recovery;
  const afterMs = parseTimeSpan(keepFormer ?? '') ?? keepFormerDefaultMs;
  return draft({
    id: `settle-${source.name}`,
    kind: 'settle',
    title: `Let go of the former data of ${source.name}`,
    target: source.ground?.text ?? source.text,
    input: {
      source: source.name,
      of: `swap-${source.name}`,
      afterMs,
      ...(isFormerClosed ? { closed: freezeId } : {}),
    },
    isDestructive: true,
    evidence: ['what was removed'],
    asked: {
      authority: 'execute',
      question: `Remove the former data of ${source.name} for good: ${formerData(source)}? After this there is no way back to it.`,
      typed: source.name,
    },
  });
}

/** What a person lets go of. Of what the safety snapshot could not read there is nothing else. */
function formerData(source: SourceFacts): string {
  if (source.server === 'other') {
    return 'another cluster than the one that was backed up, as it was when the recovery began, of which no snapshot was taken';
  }
  const snapshot = isReadable(source) ? 'the safety snapshot stays' : 'no snapshot was taken';
  return `all as it was when the recovery began, of which ${snapshot}`;
}

/** A server by connection alone is swapped by names of databases; a tree only while nobody uses it. */
function needsStop(source: SourceFacts): boolean {
  return isTree(source) && source.ground?.isElsewhere === false;
}

function isNewTree(source: SourceFacts): boolean {
  return isTree(source) && source.ground?.isElsewhere === true;
}

function isTree({ kind, ground }: SourceFacts): boolean {
  return kind === 'postgres' && ground !== undefined && ground.kind !== 'server';
}

function serverService(building: Building, source: SourceFacts): ServiceSetting | undefined {
  const { service } = sourceOf(building, source.name);
  return building.configuration.services.find(({ name }) => name === service);
}
