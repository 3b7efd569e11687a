import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'vitest';
import type { CommandContext } from '../../../src/cli/command.ts';
import { createConfiguredSource } from '../../../src/cli/configured.ts';
import { parseConfiguration } from '../../../src/config/index.ts';
import { Secret, silentProgress } from '../../../src/core/index.ts';
import {
  type NoteBody,
  openSqliteEngine,
  type RecoveryRuns,
  type RunDesk,
  type RunQuestion,
  type Surroundings,
  stepKind,
} from '../../../src/recovery/index.ts';
import { MemoryLocation, type Repository } from '../../../src/repository/index.ts';
import { type AnySource, backupFiles } from '../../../src/sources/index.ts';
import type { MemoryRepository } from '../memory-repository.ts';
import { temporaryFolder } from '../postgres.ts';
import { engineFile, runsWith } from '../recovery-run.ts';
import type { DatabaseWorld } from './database-world.ts';

export interface SceneOptions {
  /** For the journal of the run. */
  readonly journal: MemoryRepository;
  /** What holds the backups of the sources. */
  readonly repository: { readonly repository: Repository; readonly folder: string };
  readonly environment?: NodeJS.ProcessEnv;
  /** For what is a skip. */
  readonly context: TestContext;
  readonly database?: DatabaseWorld | undefined;
  /** Of loopback, for what a test starts. */
  readonly ports?: readonly number[];
}

/** Real steps in a run on a folder of its own; what it is asked stands in `asked`. */
export class FailureScene implements AsyncDisposable {
  readonly folder = temporaryFolder('failure');
  readonly repository: Repository;
  readonly repositoryFolder: string;
  readonly context: TestContext;
  readonly environment: NodeJS.ProcessEnv;
  /** Of loopback, free a moment ago. */
  readonly ports: readonly number[];
  /** What a test holds until the cause is put right. */
  release: () => Promise<void> | void = () => {};
  /** As it was before the run, of what the step changes. */
  before: unknown;
  readonly #database: DatabaseWorld | undefined;
  /** A file system of its own, where a test has one. */
  disk = '';
  readonly asked: RunQuestion['kind'][] = [];
  readonly #journal: () => Repository;
  readonly #open = new AsyncDisposableStack();

  constructor(options: SceneOptions) {
    const { journal, repository, context, environment = process.env, ports = [] } = options;
    // Whoever runs a database server must be able to enter.
    chmodSync(this.folder, 0o755);
    for (const name of ['state', 'bin', 'scratch']) mkdirSync(this.at(name));
    const files = new Map(journal.files);
    this.#journal = () => journal.open(new MemoryLocation({ files }));
    this.repository = repository.repository;
    this.repositoryFolder = repository.folder;
    this.context = context;
    this.ports = ports;
    this.#database = options.database;
    // Programs that a test puts there stand before the real ones.
    this.environment = { ...environment, PATH: `${this.at('bin')}:${environment.PATH}` };
    this.#open.defer(() => rmSync(this.folder, { recursive: true, force: true }));
    writeFileSync(this.at('broken'), '');
  }

  get database(): DatabaseWorld {
    if (!this.#database) throw new TypeError('this table has no server');
    return this.#database;
  }

  at(...names: readonly string[]): string {
    return join(this.folder, ...names);
  }

  read(name: string): string {
    return existsSync(this.at(name)) ? readFileSync(this.at(name), 'utf8') : '';
  }

  exists(name: string): boolean {
    return existsSync(this.at(name));
  }

  /** An executable in the folder, whose commands run there; `broken`: what it does while the fault is there. */
  script(name: string, text: string, broken = ''): string {
    const fault = broken === '' ? '' : `if [ -e broken ]; then\n${broken}\nfi\n`;
    writeFileSync(this.at(name), `#!/bin/sh\ncd "${this.folder}"\n${fault}${text}\n`);
    chmodSync(this.at(name), 0o755);
    return this.at(name);
  }

  /** The files of `uploads`, made when they are not there. The id of the snapshot. */
  async backUpFiles(): Promise<string> {
    const folder = this.at('uploads');
    mkdirSync(folder, { recursive: true });
    for (const name of ['a', 'b']) writeFileSync(join(folder, name), `${name} of the backup`);
    const { repository } = this;
    const { snapshot } = await backupFiles({ repository, source: 'uploads', paths: [folder] });
    return snapshot;
  }

  mend(): void {
    rmSync(this.at('broken'), { force: true });
  }

  /** Ended with the scene. */
  use<Value extends AsyncDisposable | Disposable>(value: Value): Value {
    return this.#open.use(value);
  }

  defer(work: () => void | Promise<void>): void {
    this.#open.defer(work);
  }

  /** Another person, by a note. */
  async sayAs(actor: string, note: NoteBody): Promise<void> {
    const engine = this.use(await openSqliteEngine(engineFile(this.at('state'))));
    const place = { stateFolder: this.at('state'), repositories: {}, actor };
    const { runs } = runsWith({ engine, place });
    await runs.say((await runs.find('INC-1')).run, note);
  }

  async runs(yaml: string, desk: RunDesk, signal?: AbortSignal): Promise<RecoveryRuns> {
    const engine = this.use(await openSqliteEngine(engineFile(this.at('state'))));
    const surroundings = this.#surroundings(yaml);
    return runsWith({
      engine,
      surroundings,
      place: { stateFolder: this.at('state'), repositories: {} },
      kinds: stepKind,
      progress: silentProgress,
      ...(signal ? { signal } : {}),
      desk: async (question, options) => {
        this.asked.push(question.kind);
        return await desk(question, options);
      },
    }).runs;
  }

  #surroundings(yaml: string): Surroundings {
    const text = `name: test
state: ${this.at('state')}
scratch: ${this.at('scratch')}
repositories: { main: { location: ${this.at('repository')}, password: { env: WORD } } }
${yaml}`;
    const configuration = parseConfiguration(text, this.at('lifeboat.yaml'), {});
    const context = {
      environment: this.environment,
      signal: new AbortController().signal,
      output: { warn() {} },
    } as unknown as CommandContext;
    const sources = new Map<string, Promise<AnySource>>();
    return {
      configuration,
      environment: this.environment,
      actor: 'tester',
      host: hostname(),
      source(name, purpose) {
        const key = `${purpose} ${name}`;
        const source =
          sources.get(key) ?? createConfiguredSource(context, configuration, name, purpose);
        sources.set(key, source);
        return source;
      },
      repositoryOf: async () => this.repository,
      repository: async () => this.#journal(),
      secret: async () => new Secret('a word of test'),
      async [Symbol.asyncDispose]() {},
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#open[Symbol.asyncDispose]();
  }
}
