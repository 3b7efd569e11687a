import { type ChildProcess, spawn } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cancelled, fileError, LifeboatError, sleep } from '../../../core/index.ts';
import type { ConnectionSettings } from '../connection-settings.ts';
import { chooseServerAccount } from './account.ts';
import type { ServerPrograms } from './find-server-programs.ts';
import { launcherFor } from './isolation.ts';
import { reachablePrograms } from './reachable-programs.ts';
import { configurationFile, createRunFolder, type RunFolder } from './run-folder.ts';
import { ServerLog } from './server-log.ts';
import { startFailure } from './start-failure.ts';

export interface RunServerOptions {
  readonly programs: ServerPrograms;
  /** Belongs already to the account that `chooseServerAccount(account)` gives, with mode 0700. */
  readonly dataFolder: string;
  /** Given on the command line, so nothing in the data folder overrides them. No secrets. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Name of the account to run as when we are root. */
  readonly account?: string;
  /** `none` (default): a network namespace of its own where the system allows it. */
  readonly network?: 'none' | 'host';
  /** Marks the data folder as one that a later sweep removes after we were killed. */
  readonly dataIsScratch?: boolean;
  readonly port?: number;
  /** The line of its log by which the server counts as started. Default: it accepts connections. */
  readonly readyLine?: RegExp;
  /** One of the caller's, who disposes of it: the socket keeps its name when the server is started again. */
  readonly runFolder?: RunFolder;
  /** Aborts the start. A server that is up is stopped by disposal, not by the signal. */
  readonly signal?: AbortSignal;
  /** Called with each line of the server's log. Must not throw. */
  readonly onLogLine?: (line: string) => void;
}

export interface RunningServer extends AsyncDisposable {
  readonly socketFolder: string;
  readonly port: number;
  readonly pid: number;
  readonly dataFolder: string;
  readonly log: ServerLog;
  /** True when the server runs in a network namespace of its own. */
  readonly withoutNetwork: boolean;
  /** Settles when the server ended, however it did. */
  readonly ended: Promise<void>;
  connection(database: string, user?: string): ConnectionSettings;
  /** `fast` ends sessions and writes a checkpoint; `immediate` is for what is thrown away. */
  stop(mode: 'fast' | 'immediate'): Promise<void>;
}

const defaultPort = 5432;
const acceptingLine = /database system is ready to accept connections/;

/**
 * Starts `postgres` as a direct child: on a Unix socket, with a configuration file of its own and nobody's
 * archive, and resolves when it accepts connections. Disposal stops it at once and removes its run folder.
 * Errors: `postgres.start-failed`, `postgres.wrong-major`, `disk.full`, `cancelled`.
 */
export async function runServer(options: RunServerOptions): Promise<RunningServer> {
  await checkMajor(options.programs, options.dataFolder);
  const account = await chooseServerAccount(options.account);
  const runFolder = options.runFolder
    ? borrowed(options.runFolder)
    : await createRunFolder(account);
  try {
    const programs = await reachablePrograms(options.programs, account, runFolder.path);
    await writeConfiguration(runFolder);
    await runFolder.record(options.dataFolder, options.dataIsScratch ?? false);
    const launcher = await launcherFor(programs.postgres, {
      account,
      network: options.network ?? 'none',
    });
    const port = options.port ?? defaultPort;
    const child = spawn(
      launcher.command,
      [...launcher.args, ...serverArguments(options, runFolder, port)],
      {
        cwd: options.dataFolder,
        // Nothing of our own environment: it may hold keys of the repository.
        env: { PATH: '/usr/local/bin:/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC', HOME: runFolder.path },
        stdio: ['ignore', 'ignore', 'pipe'],
        // A session of its own, so that Ctrl-C in the terminal reaches only us.
        detached: true,
        ...(launcher.uid === undefined ? {} : { uid: launcher.uid, gid: launcher.gid as number }),
      },
    );
    const server = superviseServer(child, options, runFolder, port, launcher.withoutNetwork);
    try {
      await untilReady(child, server, options);
      return server;
    } catch (error) {
      await server.stop('immediate');
      throw error;
    }
  } catch (error) {
    await runFolder[Symbol.asyncDispose]();
    throw error;
  }
}

function borrowed(folder: RunFolder): RunFolder {
  return { ...folder, async [Symbol.asyncDispose]() {} };
}

async function checkMajor(programs: ServerPrograms, dataFolder: string): Promise<void> {
  const text = await readFile(join(dataFolder, 'PG_VERSION'), 'utf8').catch((error) => {
    throw fileError(error, `could not read ${dataFolder}/PG_VERSION`);
  });
  if (Number.parseInt(text, 10) === programs.major) return;
  throw new LifeboatError(
    'postgres.wrong-major',
    `the data in ${dataFolder} is of PostgreSQL ${text.trim()}, the programs are ${programs.version}`,
    { hint: `Use server programs of PostgreSQL ${text.trim()}.`, context: { dataFolder } },
  );
}

async function writeConfiguration(runFolder: RunFolder): Promise<void> {
  const readable = { mode: 0o644 };
  await writeFile(configurationFile(runFolder.path), '', readable);
  // The socket's folder has mode 0700: whoever reaches the socket is us, the server's account, or root.
  const rules = 'local all all trust\nlocal replication all trust\n';
  await writeFile(join(runFolder.path, 'pg_hba.conf'), rules, readable);
  await writeFile(join(runFolder.path, 'pg_ident.conf'), '', readable);
}

function serverArguments(options: RunServerOptions, runFolder: RunFolder, port: number): string[] {
  const settings: Record<string, string> = {
    listen_addresses: '',
    ...options.settings,
    config_file: configurationFile(runFolder.path),
    hba_file: join(runFolder.path, 'pg_hba.conf'),
    ident_file: join(runFolder.path, 'pg_ident.conf'),
    unix_socket_directories: runFolder.socketFolder,
    port: String(port),
    log_destination: 'stderr',
    logging_collector: 'off',
    log_line_prefix: '%m ',
    lc_messages: 'C',
  };
  const named = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  return ['-D', options.dataFolder, ...named];
}

function superviseServer(
  child: ChildProcess,
  options: RunServerOptions,
  runFolder: RunFolder,
  port: number,
  withoutNetwork: boolean,
): RunningServer {
  const log = new ServerLog(join(runFolder.path, 'server.log'));
  if (options.onLogLine) log.watch(options.onLogLine);
  child.stderr?.on('data', (chunk: Buffer) => log.add(chunk));
  const ended = new Promise<void>((resolve) => {
    child.once('error', () => resolve());
    child.once('close', () => {
      log.close();
      resolve();
    });
  });
  const stop = async (mode: 'fast' | 'immediate') => {
    const giveUp = new AbortController();
    const patience = { fast: 600_000, immediate: 30_000 }[mode];
    child.kill(mode === 'fast' ? 'SIGINT' : 'SIGQUIT');
    await Promise.race([ended, sleep(patience, giveUp.signal).catch(() => {})]);
    giveUp.abort();
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
    await ended;
  };
  return {
    socketFolder: runFolder.socketFolder,
    port,
    pid: child.pid ?? 0,
    dataFolder: options.dataFolder,
    log,
    withoutNetwork,
    ended,
    connection: (database, user = 'postgres') =>
      Object.freeze({ host: runFolder.socketFolder, port, user, database, sslmode: 'disable' }),
    stop,
    async [Symbol.asyncDispose]() {
      await stop('immediate');
      await runFolder[Symbol.asyncDispose]();
    },
  };
}

/** The server says itself when it is ready; that it ended before is the only other way out. */
async function untilReady(
  child: ChildProcess,
  server: RunningServer,
  { signal, dataFolder, readyLine = acceptingLine }: RunServerOptions,
): Promise<void> {
  const ready = Promise.withResolvers<void>();
  const stopWatching = server.log.watch((line) => {
    if (readyLine.test(line)) ready.resolve();
  });
  const onAbort = () => ready.reject(cancelled(signal as AbortSignal));
  if (signal?.aborted) onAbort();
  signal?.addEventListener('abort', onAbort, { once: true });
  child.once('error', (error) => ready.reject(fileError(error, 'could not start postgres')));
  void server.ended.then(() => {
    const ending = `exit code ${child.exitCode ?? child.signalCode ?? 'unknown'}`;
    ready.reject(startFailure(dataFolder, ending, server.log));
  });
  try {
    await ready.promise;
  } finally {
    stopWatching();
    signal?.removeEventListener('abort', onAbort);
  }
}
