import { execFileSync } from 'node:child_process';
import { lstatSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Secret } from '../src/core/index.ts';
import { initRepository, LocalLocation } from '../src/repository/index.ts';
import type { TestServer } from '../test/support/postgres.ts';
import { findProgram } from '../test/support/programs.ts';
import { pgBackRestSettings } from './pgbackrest-settings.ts';

/** What a benchmark asks of a program that backs up a PostgreSQL cluster, as command lines. */
export interface DatabaseProgram {
  readonly name: string;
  /** What it stores lies here. */
  readonly repository: string;
  readonly command: string;
  readonly env: Readonly<Record<string, string>>;
  /** Empties the repository. */
  init(): void | Promise<void>;
  readonly first: readonly string[];
  /** Undefined: it knows no backup that builds on another. */
  readonly next: readonly string[] | undefined;
  restore(target: string): { readonly command: string; readonly args: readonly string[] };
}

const password = 'benchmark';

/** Of those that are on PATH; ours last. */
export function databasePrograms(folder: string, server: TestServer): readonly DatabaseProgram[] {
  return [
    ...pgBackRest(folder, server),
    baseBackup(folder, server),
    lifeboat(folder, server, 'never', 'lifeboat, streamed'),
    lifeboat(folder, server, 'auto', 'lifeboat, local'),
  ];
}

function pgBackRest(folder: string, server: TestServer): readonly DatabaseProgram[] {
  const command = findProgram('pgbackrest');
  if (command === undefined) {
    process.stderr.write('no pgbackrest on PATH: compared without it\n');
    return [];
  }
  return [1, 3].map((level) => {
    const own = join(folder, `pgbackrest-${level}`);
    const file = `${own}.conf`;
    const repository = join(own, 'repository');
    const settings = pgBackRestSettings(own, 'bench', server, [
      'repo1-retention-full=9',
      `compress-level=${level}`,
      ...(process.getuid?.() === 0 ? ['allow-root=y'] : []),
    ]);
    const args = [`--config=${file}`, '--stanza=bench'];
    return {
      name: `pgBackRest, zst level ${level}, 2 processes`,
      repository,
      command,
      env: {},
      init() {
        rmSync(own, { recursive: true, force: true });
        mkdirSync(own);
        writeFileSync(file, settings);
        execFileSync(command, [...args, 'stanza-create'], { stdio: 'ignore' });
      },
      // Without an archive it stores no WAL, the others one segment: what nobody writes to needs no more.
      first: [...args, '--no-archive-check', '--type=full', 'backup'],
      next: [...args, '--no-archive-check', '--type=incr', 'backup'],
      restore: (target) => ({
        command,
        args: [...args, `--pg1-path=${target}`, '--type=none', 'restore'],
      }),
    };
  });
}

function baseBackup(folder: string, server: TestServer): DatabaseProgram {
  const repository = join(folder, 'tar');
  const from = ['-h', '127.0.0.1', '-p', String(server.port), '-U', 'postgres', '-c', 'fast'];
  return {
    name: 'pg_basebackup, zstd level 1',
    repository,
    command: join(server.bin, 'pg_basebackup'),
    env: {},
    init: () => rmSync(repository, { recursive: true, force: true }),
    first: [...from, '-D', repository, '-Ft', '--compress=client-zstd:1'],
    next: undefined,
    restore: (target) => ({
      command: 'tar',
      args: ['--zstd', '-xf', join(repository, 'base.tar.zst'), '-C', target],
    }),
  };
}

function lifeboat(
  folder: string,
  server: TestServer,
  local: string,
  name: string,
): DatabaseProgram {
  const own = join(folder, `lifeboat-${local}`);
  const repository = join(own, 'repository');
  const config = join(own, 'lifeboat.yaml');
  const main = join(import.meta.dirname, '../dist/cli/main.js');
  const backup = [main, 'backup', 'database', '--config', config];
  return {
    name,
    repository,
    command: process.execPath,
    env: { LIFEBOAT_PASSWORD: password, LIFEBOAT_CACHE_FOLDER: 'off' },
    async init() {
      rmSync(own, { recursive: true, force: true });
      mkdirSync(join(own, 'state'), { recursive: true });
      writeFileSync(
        config,
        `name: benchmark
state: ${join(own, 'state')}
repositories: { main: { location: ${repository}, password: { env: LIFEBOAT_PASSWORD } } }
sources: { database: { kind: postgres, connection: "${server.url()}", local: ${local} } }
`,
      );
      const location = new LocalLocation(repository);
      await using _ = await initRepository({ location, password: new Secret(password) });
    },
    first: backup,
    next: backup,
    restore: (target) => ({
      command: process.execPath,
      args: [main, 'restore', '-r', repository, '--snapshot', 'latest', '--target', target],
    }),
  };
}

/** What users install is compiled; the rivals are too. */
export function buildLifeboat(): void {
  const project = join(import.meta.dirname, '..');
  execFileSync(process.execPath, [join(project, 'scripts/build.ts')], { cwd: project });
}

/** Each file once: the `latest` of pgBackRest is a link to a folder, and Node's recursive listings follow such links. */
export function folderBytes(folder: string): number {
  return readdirSync(folder, { withFileTypes: true }).reduce((sum, entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return sum + folderBytes(path);
    return entry.isFile() ? sum + lstatSync(path).size : sum;
  }, 0);
}
