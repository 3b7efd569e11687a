import { execFile } from 'node:child_process';
import { readFile, stat } from 'node:fs/promises';
import { promisify } from 'node:util';
import { LifeboatError, Secret } from '../core/index.ts';
import type { PasswordSetting } from './schema/parts.ts';

const commandTimeoutMs = 30_000;
const passwordBytesMax = 4096;
const run = promisify(execFile);

/** What reading a password may touch, passed in by the edge. */
export interface SecretSurroundings {
  readonly environment: NodeJS.ProcessEnv;
  /** Asks on the terminal; absent when there is none. */
  readonly ask?: (what: string) => Promise<string>;
  readonly warn: (message: string, hint: string) => void;
}

/** Reads a password from where the configuration says. `what` is for people. Throws `secret.unavailable`. */
export async function readPassword(
  setting: PasswordSetting,
  what: string,
  surroundings: SecretSurroundings,
): Promise<Secret> {
  const text = await source(setting, what, surroundings);
  const line = text.split(/\r?\n/, 1)[0] as string;
  if (line === '') throw unavailable(what, `${describe(setting)} is empty`);
  return new Secret(line);
}

async function source(
  setting: PasswordSetting,
  what: string,
  surroundings: SecretSurroundings,
): Promise<string> {
  if ('file' in setting) return fromFile(setting.file, what, surroundings);
  if ('env' in setting) {
    const value = surroundings.environment[setting.env];
    if (value === undefined) throw unavailable(what, `${describe(setting)} is not set`);
    return value;
  }
  if ('command' in setting) return fromCommand(setting.command, what, surroundings);
  if (!surroundings.ask) {
    throw unavailable(what, 'it is to be typed in, but there is no terminal');
  }
  return surroundings.ask(what);
}

async function fromFile(path: string, what: string, { warn }: SecretSurroundings): Promise<string> {
  try {
    const info = await stat(path);
    if ((info.mode & 0o077) !== 0) {
      warn(`others on this machine can read the password file ${path}`, `Run: chmod 600 ${path}`);
    }
    if (info.size > passwordBytesMax) throw new Error('the file is far too large for a password');
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw unavailable(what, `could not read ${path}: ${factOf(cause)}`, cause);
  }
}

/** The command's standard error goes nowhere: it might echo the secret. */
async function fromCommand(
  command: readonly string[],
  what: string,
  { environment }: SecretSurroundings,
): Promise<string> {
  const [program, ...args] = command as [string, ...string[]];
  try {
    const { stdout } = await run(program, args, {
      env: environment,
      timeout: commandTimeoutMs,
      maxBuffer: passwordBytesMax,
    });
    return stdout;
  } catch (error) {
    // The error of a failed command carries its output, so it is not kept as the cause.
    throw unavailable(what, `the command ${program} failed: ${factOf(error)}`);
  }
}

function factOf(error: unknown): string {
  const { code, killed } = error as { code?: string | number; killed?: boolean };
  if (killed) return `no answer within ${commandTimeoutMs / 1000} s`;
  if (typeof code === 'number') return `exit code ${code}`;
  if (code !== undefined) return code;
  return error instanceof Error ? error.message : String(error);
}

function describe(setting: PasswordSetting): string {
  if ('file' in setting) return `the file ${setting.file}`;
  if ('env' in setting) return `the environment variable ${setting.env}`;
  if ('command' in setting) return `the output of ${setting.command[0]}`;
  return 'what was typed';
}

function unavailable(what: string, fact: string, cause?: unknown): LifeboatError {
  return new LifeboatError('secret.unavailable', `no ${what}: ${fact}`, {
    hint: 'The configuration says where it comes from: { file }, { env }, { command } or { prompt }.',
    ...(cause === undefined ? {} : { cause }),
  });
}
