import { expectStep } from '../expect-time.ts';
import type { SourceFacts } from '../facts.ts';
import { credentialsToRotate } from './credentials.ts';
import { type Building, draft, type StepDraft } from './draft.ts';
import { forensicCopy } from './protect-steps.ts';
import { serviceText } from './service-commands.ts';

/** What has to be done by people, in this order, before anything is reachable again. */
const hardening: readonly (readonly [title: string, instruction: string])[] = [
  [
    'Close the way they came in',
    'Find how the intruder came in (what the forensic copies show), and close it on the new infrastructure before it is reachable.',
  ],
  [
    'Apply every security patch',
    'Bring systems, images, database and libraries of the new infrastructure up to date. Build images anew from sources that are known to be good.',
  ],
  [
    'Remove what they left',
    'Look through the restored data for accounts, roles, functions, triggers, scheduled jobs and uploaded programs that nobody knows.',
  ],
  [
    'Watch more closely',
    'Turn on further monitoring: logins, changes of roles, traffic outwards, deletions in bulk. Name who looks at it.',
  ],
];

/**
 * Cut off, kept as evidence, and left alone: nothing goes on before whoever answers for security has said so, and nothing of what
 * follows touches what the intruder had.
 */
export function isolateSteps(
  building: Building,
  sources: readonly SourceFacts[],
): readonly StepDraft[] {
  const { configuration, facts } = building;
  const { isolate = [], forensicCopies = [] } = configuration.recovery;
  const services = configuration.services
    .filter(({ platform }) => platform === 'docker' || platform === 'kubernetes')
    .filter(({ name }) =>
      facts.services.some((each) => each.name === name && each.status !== 'absent'),
    );
  const what = [...services.map(serviceText), ...isolate.map(({ name }) => name)];
  const cut = draft({
    id: 'isolate',
    kind: 'isolate',
    title: 'Cut everything that may be compromised off from every network',
    target: what.join('; ') || sources.map(({ text }) => text).join('; '),
    commands: isolate.map(({ command }) => command),
    input: {
      services: services.map(({ name }) => name),
      commands: isolate.map(({ name }) => name),
    },
    isDestructive: true,
    undo: 'each is let back by its own undo; nothing does so by itself',
    evidence: ['what was cut off, and when', 'processes stay as they are'],
    expected: expectStep('isolate', facts),
    asked: {
      authority: 'execute',
      question: `Cut off ${what.join(', ') || 'the compromised machines'}? They keep running, and nobody reaches them.`,
    },
  });
  const byHand = draft({
    id: 'isolate-by-hand',
    kind: 'manual',
    title: 'Cut the compromised machines off by hand',
    target: sources.map(({ text }) => text).join('; '),
    input: {
      instruction: `Nothing in the configuration cuts off the hosts of ${sources.map(({ name }) => name).join(', ')} (recovery.isolate). Close the firewall around them, or pull them from the network. Do not switch them off: what is in memory is evidence.`,
      typed: 'isolated',
    },
    evidence: ['who confirmed it'],
  });
  return [
    ...(what.length > 0 ? [cut] : []),
    // Engines cut off what runs in them; hosts need a command, or a person.
    ...(isolate.length === 0 ? [byHand] : []),
    forensicCopy(forensicCopies, sources, facts),
    draft({
      id: 'clearance',
      kind: 'clearance',
      title: 'Wait for clearance by whoever answers for security',
      target: 'the recovery as a whole',
      input: {},
      evidence: ['who gave it, and the comment'],
      asked: {
        authority: 'security-clearance',
        question:
          'Is the intrusion contained, is the evidence kept, and may the recovery begin on new infrastructure?',
        typed: 'cleared',
      },
    }),
  ];
}

export function newPlaceStep(sources: readonly SourceFacts[]): StepDraft {
  const places = sources.map(({ ground, name }) => `${name}: ${ground?.text ?? 'not configured'}`);
  return draft({
    id: 'new-infrastructure',
    kind: 'manual',
    title: 'Make the new infrastructure ready',
    target: places.join('; '),
    input: {
      instruction: `Install it anew; take nothing over from the compromised hosts, neither disks nor images nor keys. It must be reachable from here: ${places.join('; ')}.`,
      typed: 'ready',
    },
    evidence: ['who confirmed it'],
  });
}

export function hardenSteps(building: Building): readonly StepDraft[] {
  const { configuration, facts } = building;
  const credentials = credentialsToRotate(configuration, facts.services);
  const named = configuration.recovery.credentials ?? [];
  const rotate = draft({
    id: 'rotate-credentials',
    kind: 'rotate-credentials',
    title: `Change every credential (${credentials.length})`,
    target: 'everything that was reachable from the compromised hosts',
    commands: named.flatMap((each) => (each.rotate ? [each.rotate] : [])),
    input: { credentials },
    isDestructive: true,
    evidence: ['of each: changed by which command, or confirmed by whom'],
    expected: expectStep('rotate-credentials', facts),
    asked: {
      authority: 'execute',
      question: `Change ${credentials.length} credentials? Whatever still uses the former ones stops working.`,
    },
  });
  const byHand = credentials.filter(({ name }) =>
    named.every((each) => each.name !== name || each.rotate === undefined),
  );
  const confirmed = draft({
    id: 'rotate-by-hand',
    kind: 'manual',
    title: `Change by hand what no command changes (${byHand.length})`,
    target: 'everything that was reachable from the compromised hosts',
    input: {
      instruction: [
        'Change each of these:',
        ...byHand.map(({ name, how }) => `- ${name}: ${how}`),
      ].join('\n'),
      typed: 'changed',
    },
    evidence: ['who confirmed it'],
  });
  return [
    rotate,
    ...(byHand.length > 0 ? [confirmed] : []),
    ...hardening.map(([title, instruction], at) =>
      draft({
        id: `harden-${at + 1}`,
        kind: 'manual',
        title,
        target: 'the new infrastructure',
        input: { instruction, typed: 'done' },
        evidence: ['who confirmed it, and the comment'],
      }),
    ),
  ];
}

/** Services are built anew there; nothing of the former ones is started again. */
export function newServicesStep(
  { configuration }: Building,
  sources: readonly SourceFacts[],
): StepDraft {
  const names = configuration.services.map(({ name }) => name).join(', ') || 'the services';
  const places = sources.map(({ ground, name }) => `${name} at ${ground?.text ?? '?'}`);
  return draft({
    id: 'new-services',
    kind: 'manual',
    title: 'Start the services on the new infrastructure',
    target: places.join('; '),
    input: {
      instruction: `Start ${names} from images that are known to be good, with the new credentials, on ${places.join(', ')}. Then lead the users there (DNS, load balancer).`,
      typed: 'started',
    },
    evidence: ['who confirmed it'],
  });
}
