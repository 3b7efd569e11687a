import { holdsFiles, parseTimeSpan, type ServiceSetting } from '../../../config/index.ts';
import type { Expected } from '../expect-time.ts';
import { expectBackup, expectProof, expectStep } from '../expect-time.ts';
import type { SourceFacts } from '../facts.ts';
import { pointedBy } from './deliver-steps.ts';
import { type Building, draft, type StepDraft, writersOf } from './draft.ts';
import { freezeId } from './protect-steps.ts';
import { serviceText } from './service-commands.ts';
import { startStep } from './start-step.ts';

const watchDefaultMs = 10 * 60_000;

/** What the configuration wants done once the data is in place: migrations, caches, DNS. */
export function afterSteps({ configuration, facts }: Building): readonly StepDraft[] {
  const { after = [] } = configuration.recovery;
  return after.map(({ name, command, manual, undo }, at) => {
    const common = { id: `after-${at + 1}`, title: name, target: 'as the command says' };
    if (command === undefined) {
      return draft({
        ...common,
        kind: 'manual',
        target: 'by hand',
        input: { instruction: manual ?? name, typed: 'done' },
        evidence: ['who confirmed it, and the comment'],
      });
    }
    return draft({
      ...common,
      kind: 'command',
      commands: [command],
      input: { name },
      isDestructive: true,
      ...(undo === undefined ? {} : { undo: `by its own command: ${undo.join(' ')}` }),
      evidence: ['what the command said, and its exit code'],
      expected: expectStep('command', facts),
      asked: { authority: 'execute', question: `Run ${command.join(' ')} (${name})?` },
    });
  });
}

/** `moved`: those of `sources` that are in use at a new place by then. */
export function thawStep(
  building: Building,
  sources: readonly SourceFacts[],
  moved: readonly SourceFacts[],
) {
  const { configuration, facts } = building;
  const writers = writersOf(building, sources).toReversed();
  const { maintenance } = configuration.recovery;
  return draft({
    id: 'thaw',
    kind: 'thaw',
    title: ['Let everything write again, as it was before', ...moved.map(formerText)].join('; '),
    target:
      [
        ...writers.map(serviceText),
        ...sources.filter((each) => !moved.includes(each)).map(({ text }) => text),
      ].join('; ') || 'nothing',
    commands: maintenance ? [maintenance.off] : [],
    input: {
      of: freezeId,
      ...(moved.length === 0
        ? {}
        : {
            moved: {
              sources: moved.map(({ name }) => name),
              pointedBy: Object.assign({}, ...moved.map((each) => pointedBy(building, each))),
            },
          }),
    },
    undo:
      moved.length === 0
        ? 'the freeze can be made again'
        : 'the freeze can be made again; given up, the former place is opened exactly as it was',
    evidence: ['state of each service after'],
    expected: expectStep('thaw', facts),
  });
}

/** Whether the freeze closes the place that a moved source leaves: there is a server, and it answers. */
export function isClosed({ kind, server }: SourceFacts): boolean {
  return !holdsFiles(kind) && server === 'up';
}

function formerText(source: SourceFacts): string {
  const { name, text } = source;
  return isClosed(source)
    ? `the former ${name} (${text}) stays closed, so that whoever was not pointed is kept out`
    : `the former ${name} (${text}) is not closed: see that nobody writes there`;
}

/**
 * Services that are not there any more: no thaw brings them back, for they were so before. One that somebody stopped stays stopped.
 */
export function startAbsentSteps(
  building: Building,
  sources: readonly SourceFacts[],
): readonly StepDraft[] {
  const { facts } = building;
  const isAbsent = ({ name }: ServiceSetting) =>
    facts.services.find((each) => each.name === name)?.status === 'absent';
  return writersOf(building, sources)
    .toReversed()
    .filter(isAbsent)
    .map((service) =>
      startStep(building, service, `Make ${service.name} again, which is not there, and start it`),
    );
}

export function watchStep(
  building: Building,
  sources: readonly SourceFacts[],
  others: readonly string[] = [],
): StepDraft {
  const { configuration } = building;
  const durationMs = parseTimeSpan(configuration.recovery.watch ?? '') ?? watchDefaultMs;
  const isStopped = ({ name }: ServiceSetting) =>
    building.facts.services.find((each) => each.name === name)?.status === 'stopped';
  const writers = writersOf(building, sources).filter((each) => !isStopped(each));
  const services = [...new Set([...writers.map(({ name }) => name), ...others])];
  const expected: Expected = { ms: durationMs, basis: 'watch: as recovery.watch says' };
  return draft({
    id: 'watch',
    kind: 'watch',
    title: 'Watch that it goes well',
    target: [...services, ...sources.map(({ name }) => name)].join(', '),
    input: { services, sources: sources.map(({ name }) => name), durationMs },
    evidence: ['health, errors in the output, answer times'],
    expected,
  });
}

/** What is configured is the former place still: a backup of that would be none of what is in use. */
export function protectElsewhereStep(source: SourceFacts, isFrozen: boolean): StepDraft {
  const { name, text, ground } = source;
  const former =
    isFrozen && isClosed(source)
      ? `The former place stays closed until its data is let go of. Before an abort set sources.${name}.connection back, or it could not be opened again.`
      : 'Nothing closes the former place: see that nobody writes there any more.';
  const place = ground?.text ?? 'the new place';
  return draft({
    id: `protect-${name}`,
    kind: 'manual',
    title: `Protect ${name} at its new place`,
    target: place,
    input: {
      instruction: `lifeboat.yaml says that ${name} is at ${text}, and it is at ${place} now. Set sources.${name}.connection to the new place (leave its ground as it is until this run has ended), run \`lifeboat backup ${name}\`, and start \`lifeboat serve\` again. ${former}`,
      typed: 'protected',
    },
    evidence: ['who confirmed it, and the comment'],
  });
}

/** A fresh base of the recovered state, and the proof that it restores. */
export function backupSteps(sources: readonly SourceFacts[]): readonly StepDraft[] {
  return sources.flatMap((source) => {
    const backup = draft({
      id: `backup-${source.name}`,
      kind: 'backup',
      title: `Back up ${source.name} as it is now`,
      target: `${source.text}, into its repository`,
      commands: [['lifeboat', 'backup', source.name]],
      input: { source: source.name },
      evidence: ['id of the snapshot'],
      expected: expectBackup(source),
    });
    if (source.kind !== 'postgres') return [backup];
    const prove = draft({
      id: `prove-${source.name}`,
      kind: 'prove',
      title: `Prove that backup of ${source.name}`,
      target: 'a private server on this host',
      commands: [['lifeboat', 'prove', source.name]],
      input: { source: source.name },
      evidence: ['id of the proof'],
      expected: expectProof(source),
    });
    return [backup, prove];
  });
}
