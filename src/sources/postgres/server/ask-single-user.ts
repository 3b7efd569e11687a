import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { LifeboatError } from '../../../core/index.ts';
import { chooseServerAccount } from './account.ts';
import type { ServerPrograms } from './find-server-programs.ts';
import { launcherFor } from './isolation.ts';
import { reachablePrograms } from './reachable-programs.ts';
import { createRunFolder } from './run-folder.ts';

const outputLimitBytes = 1024 * 1024;

export interface AskSingleUserOptions {
  readonly programs: ServerPrograms;
  /** Of a cluster that is cleanly shut down. */
  readonly dataFolder: string;
  readonly database: string;
  /** One line of SQL. */
  readonly sql: string;
  readonly settings: Readonly<Record<string, string>>;
  readonly account?: string;
}

/**
 * Runs one query in PostgreSQL's single-user mode, where no role is needed, and returns the values of its columns in the
 * order of rows. Errors: `postgres.start-failed`.
 */
export async function askSingleUser(options: AskSingleUserOptions): Promise<readonly string[]> {
  const account = await chooseServerAccount(options.account);
  await using runFolder = await createRunFolder(account);
  const programs = await reachablePrograms(options.programs, account, runFolder.path);
  const launcher = await launcherFor(programs.postgres, { account, network: 'none' });
  const settings = Object.entries(options.settings).flatMap(([name, value]) => [
    '-c',
    `${name}=${value}`,
  ]);
  const args = ['--single', '-D', options.dataFolder, ...settings, options.database];
  const child = spawn(launcher.command, [...launcher.args, ...args], {
    cwd: options.dataFolder,
    env: { PATH: '/usr/local/bin:/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC', HOME: runFolder.path },
    stdio: ['pipe', 'pipe', 'pipe'],
    ...(launcher.uid === undefined ? {} : { uid: launcher.uid, gid: launcher.gid as number }),
  });
  let output = '';
  const collect = (chunk: Buffer) => {
    output = (output + chunk.toString('utf8')).slice(-outputLimitBytes);
  };
  child.stdout.on('data', collect);
  child.stderr.on('data', collect);
  // It may end before it has read its input; its exit code says so.
  child.stdin.on('error', () => {});
  child.stdin.end(`${options.sql}\n`);
  const [exitCode] = (await once(child, 'close')) as [number | null];
  if (exitCode !== 0) {
    throw new LifeboatError('postgres.start-failed', 'the single-user mode of PostgreSQL failed', {
      hint: 'The details hold what it said.',
      context: { output: output.slice(-4000) },
    });
  }
  return [...output.matchAll(/^\s*\d+: \w+ = "(.*)"\t\(typeid/gm)].map(
    (match) => match[1] as string,
  );
}
