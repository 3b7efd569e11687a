import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Secret } from '../src/core/index.ts';
import { initRepository, LocalLocation } from '../src/repository/index.ts';

/** What a benchmark asks of a backup program, as command lines. */
export interface BackupProgram {
  readonly name: string;
  readonly command: string;
  readonly env: Readonly<Record<string, string>>;
  readonly repository: string;
  init(): void | Promise<void>;
  backup(path: string): readonly string[];
  restore(target: string): readonly string[];
  checkData(): readonly string[];
}

const password = 'benchmark';

export function backupPrograms(folder: string): readonly BackupProgram[] {
  return [restic(join(folder, 'restic')), rustic(join(folder, 'rustic')), lifeboat(folder)];
}

function restic(repository: string): BackupProgram {
  const command = 'restic-0.19';
  const env = { RESTIC_PASSWORD: password, RESTIC_CACHE_DIR: `${repository}-cache` };
  const args = ['--quiet', '-r', repository];
  return {
    name: 'restic 0.19',
    command,
    env,
    repository,
    init: () => run(command, [...args, 'init'], env, repository),
    backup: (path) => [...args, 'backup', path],
    restore: (target) => [...args, 'restore', 'latest', '--target', target],
    checkData: () => [...args, 'check', '--read-data'],
  };
}

function rustic(repository: string): BackupProgram {
  const command = 'rustic';
  const env = { RUSTIC_PASSWORD: password, RUSTIC_CACHE_DIR: `${repository}-cache` };
  const args = ['--no-progress', '--log-level', 'error', '-r', repository];
  return {
    name: 'rustic',
    command,
    env,
    repository,
    init: () => run(command, [...args, 'init'], env, repository),
    backup: (path) => [...args, 'backup', path],
    restore: (target) => [...args, 'restore', 'latest', target],
    checkData: () => [...args, 'check', '--read-data'],
  };
}

function lifeboat(folder: string): BackupProgram {
  // What users install is compiled; the rivals are too.
  const project = join(import.meta.dirname, '..');
  execFileSync(process.execPath, [join(project, 'scripts/build.ts')], { cwd: project });
  const main = join(project, 'dist/cli/main.js');
  const repository = join(folder, 'lifeboat');
  const config = (path: string) => {
    const file = join(folder, 'lifeboat.yaml');
    const state = join(folder, 'lifeboat-state');
    mkdirSync(state, { recursive: true });
    writeFileSync(
      file,
      `name: benchmark
state: ${state}
repositories: { main: { location: ${repository}, password: { env: LIFEBOAT_PASSWORD } } }
sources: { data: { kind: files, paths: [${path}] } }
`,
    );
    return file;
  };
  return {
    name: 'lifeboat',
    command: process.execPath,
    env: { LIFEBOAT_PASSWORD: password, XDG_CACHE_HOME: `${repository}-cache` },
    repository,
    init: async () => {
      rmSync(repository, { recursive: true, force: true });
      const location = new LocalLocation(repository);
      await using _ = await initRepository({ location, password: new Secret(password) });
    },
    backup: (path) => [main, 'backup', 'data', '--config', config(path)],
    restore: (target) => [
      main,
      'restore',
      '-r',
      repository,
      '--snapshot',
      'latest',
      '--target',
      target,
      // The others do not wait for the disk either.
      '--skip-sync',
    ],
    checkData: () => [main, 'check', '--read-data', '-r', repository],
  };
}

function run(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  repository: string,
): void {
  rmSync(repository, { recursive: true, force: true });
  execFileSync(command, args, { env: { ...process.env, ...env }, stdio: 'ignore' });
}
