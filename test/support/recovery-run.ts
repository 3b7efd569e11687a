import { hostname } from 'node:os';
import { join } from 'node:path';
import type { Configuration, RecoveryFile } from '../../src/config/index.ts';
import { silentProgress } from '../../src/core/index.ts';
import {
  type Approval,
  type Plan,
  RecoveryRuns,
  type RecoveryRunsOptions,
  type RunDesk,
  type RunEvent,
  type Step,
  type StepContext,
  type StepKind,
  type Surroundings,
} from '../../src/recovery/index.ts';
import type { Repository } from '../../src/repository/index.ts';

/** A plan of steps of kind `command`, whose input is only the id of the step: what they do a test scripts. */
export function planOf(
  steps: readonly (Partial<Step> & { readonly id: string })[],
  change: Partial<Plan> = {},
): Plan {
  return {
    format: 1,
    id: '0123456789abcdef',
    incident: 'INC-1',
    createdAt: new Date().toISOString(),
    mode: 'live',
    method: 'restart',
    reasons: [],
    alternatives: [],
    sources: ['database'],
    predicted: { loss: 'none', basis: [] },
    places: {},
    ...change,
    steps: steps.map((step) => ({
      kind: 'command',
      title: `Do ${step.id}`,
      target: `${step.id} on this host`,
      commands: [],
      input: { id: step.id },
      isDestructive: true,
      evidence: [],
      ...step,
    })),
  };
}

export function approvalOf(change: Partial<Approval> = {}): Approval {
  return { authority: 'execute', persons: 1, timeoutMs: 60_000, question: 'Sure?', ...change };
}

export type Script = Partial<{
  run(id: string, context: StepContext): Promise<void> | void;
  probe: (
    id: string,
    context: StepContext,
  ) => 'done' | 'not-done' | 'as-before' | 'continue' | 'unclear';
  undo(id: string, context: StepContext): Promise<void> | void;
  check(id: string): readonly string[];
  notBefore(id: string): Date | undefined;
}>;

/** One kind for every step: what it does is in the script. */
export function scriptedKind(script: Script): StepKind {
  const idOf = (input: Readonly<Record<string, unknown>>) => input.id as string;
  const outcome = (id: string) => ({ text: `did ${id}`, result: { id }, evidence: {} });
  return {
    name: 'command',
    async check(input) {
      return script.check?.(idOf(input)) ?? [];
    },
    async notBefore(input) {
      return script.notBefore?.(idOf(input));
    },
    async probe(input, context) {
      const id = idOf(input);
      const found = script.probe?.(id, context) ?? 'not-done';
      if (found === 'done') return { found, outcome: outcome(id) };
      if (found === 'as-before') return { found: 'not-done', isAsBefore: true };
      return found === 'unclear' ? { found, what: `no sign of ${id}` } : { found };
    },
    async run(input, context) {
      await script.run?.(idOf(input), context);
      return outcome(idOf(input));
    },
    async undo(input, _, context) {
      await script.undo?.(idOf(input), context);
      return `undid ${idOf(input)}`;
    },
  };
}

export interface RunPlace {
  readonly stateFolder: string;
  readonly repositories: Readonly<Record<string, Repository | (() => Promise<Repository>)>>;
  readonly recovery?: RecoveryFile;
  readonly actor?: string;
  readonly host?: string;
}

export function surroundingsOf(place: RunPlace): Surroundings {
  const { stateFolder, repositories, recovery = {}, actor = 'alice', host = hostname() } = place;
  const configuration = {
    stateFolder,
    scratchFolder: stateFolder,
    repositories,
    recovery,
    sources: {},
  };
  const missing = () => Promise.reject(new TypeError('not in this test'));
  return {
    configuration: configuration as unknown as Configuration,
    environment: {},
    actor,
    host,
    source: missing,
    repositoryOf: missing,
    secret: missing,
    async repository(name) {
      const found = repositories[name];
      return typeof found === 'function' ? await found() : (found as Repository);
    },
    async [Symbol.asyncDispose]() {},
  };
}

export const nobody: RunDesk = async () => undefined;

/** Runs with a kind that a test scripts, and what was heard of them. */
export function runsWith(
  options: Pick<RecoveryRunsOptions, 'engine'> &
    Partial<RecoveryRunsOptions> & { readonly place: RunPlace; readonly script?: Script },
): { readonly runs: RecoveryRuns; readonly events: RunEvent[]; readonly told: string[] } {
  const { place, script = {}, ...rest } = options;
  const events: RunEvent[] = [];
  const told: string[] = [];
  const runs = new RecoveryRuns({
    surroundings: surroundingsOf(place),
    kinds: async () => scriptedKind(script),
    tell:
      () =>
      async ({ text }) =>
        void told.push(text),
    desk: nobody,
    progress: silentProgress,
    onEvent: (event) => void events.push(event),
    signal: new AbortController().signal,
    pollMs: 5,
    ...rest,
  });
  return { runs, events, told };
}

export function engineFile(stateFolder: string): string {
  return join(stateFolder, 'runs.db');
}
