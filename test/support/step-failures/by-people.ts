import type { Approval, RunDesk, StepKindName } from '../../../src/recovery/index.ts';
import { approvalOf } from '../recovery-run.ts';
import type { FailingWay, FailuresOf, FailureTable } from './failing-way.ts';

// Kinds that are nothing but the word of a person.

interface Asking extends Partial<FailingWay> {
  readonly approval?: Partial<Approval>;
  readonly people?: string;
  readonly answer: RunDesk;
}

function asking(
  kind: StepKindName,
  { approval, people = '', answer, ...rest }: Asking,
): FailingWay {
  return {
    fault: '',
    yaml: (scene) =>
      `sources: { uploads: { kind: files, paths: [${scene.at('uploads')}] } }\n${people}`,
    steps: () => [
      {
        id: 'it',
        kind,
        isDestructive: false,
        input: { instruction: 'call the provider', typed: 'called' },
        approval: approvalOf({ typed: 'called', ...approval }),
      },
    ],
    says: /./,
    code: 'run.paused',
    phase: 'waiting',
    desk: () => answer,
    ...rest,
  };
}

function waysOf(kind: StepKindName): FailuresOf {
  return {
    'time-out': asking(kind, {
      fault: 'nobody answers in time',
      approval: { timeoutMs: 50 },
      answer: () => new Promise(() => {}),
      says: /nobody allowed "Do it" in time/,
    }),
    'non-zero': asking(kind, {
      fault: 'it is declined',
      answer: async () => ({ answer: 'decline', comment: 'not yet' }),
      says: /tester declined "Do it": not yet/,
      code: 'approval.refused',
    }),
    partial: asking(kind, {
      fault: 'one of two persons allows it',
      approval: { persons: 2, timeoutMs: 50 },
      people: 'recovery: { people: { tester: { may: [execute] }, other: { may: [execute] } } }',
      answer: async () => ({ answer: 'allow', typed: 'called' }),
      says: /nobody allowed "Do it" in time/,
      async mend(scene) {
        await scene.sayAs('other', { type: 'approve', step: 'it', typed: 'called' });
      },
    }),
    cut: {
      cannot:
        'it has no connection: who is asked is asked by the run itself, whose death is another matter (`test/crash/kill-run.test.ts`)',
    },
    'wrong answer': asking(kind, {
      fault: 'another word is typed',
      answer: async () => ({ answer: 'allow', typed: 'yes' }),
      says: /"Do it" was not allowed: "yes" was typed, not called/,
    }),
  };
}

export const byPeople: FailureTable = {
  clearance: waysOf('clearance'),
  manual: waysOf('manual'),
};
