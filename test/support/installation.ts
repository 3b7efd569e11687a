import type { ChildProcess } from 'node:child_process';
import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Secret } from '../../src/core/index.ts';
import { initRepository, LocalLocation } from '../../src/repository/index.ts';
import { type CommandResult, lifeboat, spawnLifeboat } from './command-line.ts';
import { temporaryFolder } from './postgres.ts';

export interface InstallationSettings {
  readonly connection?: string;
  readonly programs?: string;
  readonly state?: string;
  readonly location?: string;
  readonly scratch?: string;
  readonly password?: string;
  /** Of the source, as it stands in the file. */
  readonly drift?: string;
  /** More options of the source, as YAML of one line: `, checks: [...]`. */
  readonly sourceOptions?: string;
  /** More lines of the file. */
  readonly options?: string;
}

/** A folder with lifeboat.yaml, a password and a repository, as a user has it after `init`. */
export interface Installation extends AsyncDisposable {
  readonly folder: string;
  readonly repositoryFolder: string;
  readonly stateFolder: string;
  /** Where its commands keep temporary folders; nobody else uses it. */
  readonly temporaryFolder: string;
  /** Writes the configuration anew, with these settings instead. */
  configure(changes: InstallationSettings): void;
  /** Writes it anew too, with these sources and whatever else instead of a PostgreSQL. */
  configureText(sourcesAndMore: string): void;
  /** The real command line with this configuration and `--json`. */
  run(command: string, ...args: string[]): Promise<CommandResult>;
  /** The same, running. It must be ended by the caller, or is killed on disposal. */
  spawn(command: string, ...args: string[]): ChildProcess;
}

const password = 'correct horse';
export const installationPassword = new Secret(password);

export async function installation(
  settings: InstallationSettings & { readonly withoutRepository?: boolean } = {},
): Promise<Installation> {
  const folder = temporaryFolder('installation');
  // The account that PostgreSQL runs as must be able to enter folders that are restored in here.
  chmodSync(folder, 0o755);
  const config = join(folder, 'lifeboat.yaml');
  const repositoryFolder = settings.location ?? join(folder, 'repository');
  const stateFolder = settings.state ?? join(folder, 'state');
  const configure = (changes: InstallationSettings) => {
    const now = { password, ...settings, ...changes };
    const passwordFile = join(folder, 'password');
    writeFileSync(passwordFile, `${now.password}\n`, { mode: 0o600 });
    const connection = now.connection ?? 'postgres://lifeboat@127.0.0.1:9/shop?sslmode=disable';
    const programs = now.programs === undefined ? '' : `, programs: ${now.programs}`;
    const drift = now.drift === undefined ? '' : `, drift: ${now.drift}`;
    const scratch = now.scratch === undefined ? '' : `scratch: ${now.scratch}\n`;
    writeFileSync(
      config,
      `name: test
state: ${now.state ?? stateFolder}
${scratch}repositories:
  main: { location: ${now.location ?? repositoryFolder}, password: { file: ${passwordFile} } }
sources:
  database: { kind: postgres, connection: "${connection}"${programs}${drift}${now.sourceOptions ?? ''} }
${now.options ?? ''}`,
    );
  };
  configure({});
  mkdirSync(stateFolder, { recursive: true });
  if (!settings.withoutRepository) {
    const location = new LocalLocation(repositoryFolder);
    await using _ = await initRepository({ location, password: new Secret(password) });
  }
  const ownTemporary = join(folder, 't');
  mkdirSync(ownTemporary, { mode: 0o755 });
  const options = { env: { TMPDIR: ownTemporary } };
  const running = new Set<ChildProcess>();
  const spawn = (command: string, ...args: string[]) => {
    const child = spawnLifeboat([command, ...args, '--config', config, '--json'], options);
    child.stderr?.resume();
    running.add(child);
    child.once('exit', () => running.delete(child));
    return child;
  };
  return {
    folder,
    repositoryFolder,
    stateFolder,
    temporaryFolder: ownTemporary,
    configure,
    configureText: (text) =>
      writeFileSync(
        config,
        `name: test
state: ${stateFolder}
repositories:
  main: { location: ${repositoryFolder}, password: { file: ${join(folder, 'password')} } }
${text}`,
      ),
    run: (command, ...args) => lifeboat([command, ...args, '--config', config, '--json'], options),
    spawn,
    async [Symbol.asyncDispose]() {
      for (const child of running) await ended(child, 'SIGKILL');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Sends the signal and waits for the end; the exit code, or null after a kill. */
export async function ended(child: ChildProcess, signal?: NodeJS.Signals): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
  const exit = new Promise<number | null>((resolve) => child.once('exit', resolve));
  if (signal) child.kill(signal);
  return await exit;
}
