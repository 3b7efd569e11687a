import { rmSync } from 'node:fs';
import { afterEach, beforeAll, beforeEach } from 'vitest';
import { type Engine, openSqliteEngine } from '../../src/recovery/index.ts';
import { MemoryLocation, type Repository } from '../../src/repository/index.ts';
import { type MemoryRepository, memoryRepository } from './memory-repository.ts';
import { temporaryFolder } from './postgres.ts';
import { engineFile, type RunPlace } from './recovery-run.ts';

/** What each test of scripted runs begins with: an empty journal and an empty repository. */
export interface RunScene {
  readonly stateFolder: string;
  readonly stored: { open(): Repository };
  /** The one that is closed after the test; a test that lets the host be lost sets another. */
  engine: Engine;
  /** What steps did and undid, in order, where `log` is their script. */
  done: string[];
  readonly log: { run(id: string): void; undo(id: string): void };
  /** Of the main repository, with what a test changes. */
  place(change?: object): RunPlace;
}

/** Call it once, beside the tests that use it. */
export function runScene(): RunScene {
  let template: MemoryRepository;
  const scene = {
    done: [],
    log: {
      run: (id: string) => void scene.done.push(id),
      undo: (id: string) => void scene.done.push(`undo ${id}`),
    },
    place: (change = {}) => ({
      stateFolder: scene.stateFolder,
      repositories: { main: scene.stored.open() },
      ...change,
    }),
  } as unknown as { -readonly [Key in keyof RunScene]: RunScene[Key] };
  beforeAll(async () => {
    template = await memoryRepository();
  });
  beforeEach(async () => {
    scene.stateFolder = temporaryFolder('run');
    const files = new Map(template.files);
    scene.stored = { open: () => template.open(new MemoryLocation({ files })) };
    scene.engine = await openSqliteEngine(engineFile(scene.stateFolder));
    scene.done = [];
  });
  afterEach(async () => {
    await scene.engine[Symbol.asyncDispose]();
    rmSync(scene.stateFolder, { recursive: true, force: true });
  });
  return scene;
}
