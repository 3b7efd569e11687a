import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Configuration, parseConfiguration } from '../../src/config/index.ts';
import { Secret, silentProgress } from '../../src/core/index.ts';
import type { StepContext, StepOutcome, Surroundings } from '../../src/recovery/index.ts';
import type { Repository } from '../../src/repository/index.ts';
import type { AnySource } from '../../src/sources/index.ts';

export interface ContextOfTest {
  /** For everything that the step writes. */
  readonly folder: string;
  /** `lifeboat.yaml`, but for its name and repositories. */
  readonly yaml: string;
  readonly environment?: NodeJS.ProcessEnv;
  readonly sources?: Readonly<Record<string, AnySource>>;
  readonly repository?: Repository;
  readonly outcomes?: Readonly<Record<string, StepOutcome>>;
  readonly signal?: AbortSignal;
}

/** What a step of a run gets, without a run around it; what it told stands in `told`. */
export function stepContext(test: ContextOfTest): StepContext & { readonly told: string[] } {
  const told: string[] = [];
  const runFolder = join(test.folder, 'run');
  mkdirSync(runFolder, { recursive: true });
  return {
    surroundings: surroundingsOf(test),
    incident: 'INC-1',
    token: 'token-of-test',
    folder: runFolder,
    outcomes: test.outcomes ?? {},
    tell: async ({ text }) => void told.push(text),
    progress: silentProgress,
    signal: test.signal ?? new AbortController().signal,
    now: () => new Date(),
    willRemove: async () => {},
    told,
  };
}

function surroundingsOf({
  folder,
  yaml,
  environment,
  sources,
  repository,
}: ContextOfTest): Surroundings {
  return {
    configuration: configurationOf(folder, yaml),
    environment: environment ?? process.env,
    actor: 'tester',
    host: 'test-host',
    source: async (name) => sources?.[name] as AnySource,
    repositoryOf: async () => repository as Repository,
    repository: async () => repository as Repository,
    secret: async () => new Secret('a word of test'),
    async [Symbol.asyncDispose]() {},
  };
}

function configurationOf(folder: string, yaml: string): Configuration {
  const text = `name: test
state: ${join(folder, 'state')}
repositories: { main: { location: ${join(folder, 'repository')}, password: { env: WORD } } }
${yaml}`;
  return parseConfiguration(text, join(folder, 'lifeboat.yaml'), {});
}
