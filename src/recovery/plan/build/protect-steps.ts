import { holdsFiles } from '../../../config/index.ts';
import { expectBackup, expectStep } from '../expect-time.ts';
import type { PlanFacts, SourceFacts } from '../facts.ts';
import type { Plan } from '../plan.ts';
import { type Building, draft, type StepDraft, writersOf } from './draft.ts';
import { serviceText, stopCommand } from './service-commands.ts';

export const freezeId = 'freeze';

/** Nothing is changed before every place has said that it is the one that was planned. */
export function identifyStep(places: Plan['places'], facts: PlanFacts): StepDraft {
  return draft({
    id: 'identify',
    kind: 'identify',
    title: 'See that every place is the one that was planned',
    target: [...new Set(Object.values(places).map(({ text }) => text))].join('; ') || 'this host',
    input: { places },
    evidence: ['what each place says of itself'],
    expected: expectStep('identify', facts),
  });
}

/** Writers stop, those that need others first; then the databases take no writes. */
export function freezeStep(building: Building, sources: readonly SourceFacts[]): StepDraft {
  const { configuration, facts } = building;
  const writers = writersOf(building, sources);
  const { maintenance, maintenanceFile } = configuration.recovery;
  const databases = sources.filter(({ kind, server }) => !holdsFiles(kind) && server === 'up');
  const names = [...writers.map(({ name }) => name), ...databases.map(({ name }) => name)];
  const hasPage = (maintenance ?? maintenanceFile) !== undefined;
  const isNothing = names.length === 0 && !hasPage;
  const nobody = 'nothing that writes is configured';
  const what = names.length === 0 ? nobody : names.join(', ');
  return draft({
    id: freezeId,
    kind: 'freeze',
    title: isNothing ? `Stop nothing: ${nobody}` : 'Stop everything that writes',
    target: [...writers.map(serviceText), ...databases.map(({ text }) => text)].join('; ') || what,
    commands: [...(maintenance ? [maintenance.on] : []), ...writers.map(stopCommand)],
    input: {
      services: writers.map(({ name }) => name),
      sources: databases.map(({ name }) => name),
      holds: sources.map(({ name }) => name),
      maintenance: hasPage,
    },
    isDestructive: !isNothing,
    undo: 'thaw: every service as it was, writes allowed again',
    evidence: ['state of each service before', 'settings changed, and sessions ended'],
    expected: expectStep('freeze', facts),
    ...(isNothing
      ? {}
      : {
          asked: {
            authority: 'execute',
            question:
              names.length === 0
                ? `Show the maintenance page until the thaw? Nothing is stopped: ${nobody}.`
                : `Stop all writing (${what})? Users are kept out until the thaw.`,
          },
        }),
  });
}

/** What there is of it now can be stored as a snapshot. */
export function isReadable({ kind, server, damage }: SourceFacts): boolean {
  return holdsFiles(kind) ? (damage.files?.missingPaths.length ?? 0) === 0 : server === 'up';
}

/** What is there now is kept, however bad it is. */
export function preserveSteps(
  { configuration, facts }: Building,
  sources: readonly SourceFacts[],
): readonly StepDraft[] {
  const readable = sources.filter(isReadable);
  const others = sources.filter((each) => !readable.includes(each) && each.server !== 'other');
  const { forensicCopies = [] } = configuration.recovery;
  const snapshots = readable.map((source) =>
    draft({
      id: `safety-${source.name}`,
      kind: 'safety-snapshot',
      title: `Keep the present state of ${source.name}`,
      target: `${source.text}, into its repository`,
      commands: [['lifeboat', 'backup', source.name]],
      input: { source: source.name, raw: source.damage.damagedTables.length > 0 },
      evidence: ['id of the snapshot'],
      expected: expectBackup(source),
    }),
  );
  if (others.length === 0) return snapshots;
  return [...snapshots, forensicCopy(forensicCopies, others, facts)];
}

export function forensicCopy(
  copies: readonly { readonly name: string; readonly command: readonly string[] }[],
  sources: readonly SourceFacts[],
  facts: PlanFacts,
): StepDraft {
  return draft({
    id: 'forensic-copy',
    kind: 'forensic-copy',
    title: 'Copy what is there as it is, before anything is changed',
    target: [...copies.map(({ name }) => name), ...sources.map(({ text }) => text)].join('; '),
    commands: copies.map(({ command }) => command),
    input: { copies: copies.map(({ name }) => name), sources: sources.map(({ name }) => name) },
    evidence: ['where each copy lies, its size and hash'],
    expected: expectStep('forensic-copy', facts),
  });
}

export function assessStep(sources: readonly SourceFacts[], facts: PlanFacts): StepDraft {
  const names = sources.map(({ name }) => name);
  return draft({
    id: 'assess',
    kind: 'assess',
    title: 'Look again at what is lost, now that nothing moves',
    target: sources.map(({ text }) => text).join('; '),
    commands: names.map((name) => ['lifeboat', 'assess', name]),
    input: { sources: names },
    evidence: ['the damage report'],
    expected: expectStep('assess', facts),
  });
}
