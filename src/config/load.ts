import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { LineCounter, parseDocument } from 'yaml';
import { fileError, LifeboatError } from '../core/index.ts';
import { describeIssue } from './issue.ts';
import { parseByteSize } from './quantity.ts';
import {
  type ConfigurationFile,
  configurationSchema,
  type PasswordSetting,
  type PostgresSourceSetting,
  type RepositorySetting,
} from './schema.ts';

/** A checked `lifeboat.yaml` with absolute paths and defaults filled in. */
export interface Configuration {
  /** Path of the file it was read from. */
  readonly file: string;
  readonly name: string;
  readonly repositories: Readonly<Record<string, RepositorySetting>>;
  readonly sources: Readonly<Record<string, PostgresSourceSetting>>;
  readonly stateFolder: string;
  readonly scratchFolder?: string;
  readonly spoolLimitBytes?: number;
}

/** Reads and checks a configuration file. Throws `config.invalid`, naming place, expectation and finding. */
export function loadConfiguration(file: string, environment: NodeJS.ProcessEnv): Configuration {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw fileError(error, `could not read the configuration ${file}`);
  }
  return parseConfiguration(text, file, environment);
}

export function parseConfiguration(
  text: string,
  file: string,
  environment: NodeJS.ProcessEnv,
): Configuration {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const syntax = document.errors[0];
  if (syntax) {
    const { line, col } = lines.linePos(syntax.pos[0]);
    throw invalid(file, `line ${line}, column ${col}: ${firstLine(syntax.message)}`);
  }
  let raw: unknown;
  try {
    raw = document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    // An alias without an anchor, or aliases that multiply without end.
    throw invalid(file, `${firstLine(error instanceof Error ? error.message : '')}`);
  }
  const checked = configurationSchema.safeParse(raw);
  if (!checked.success) {
    const issue = checked.error.issues[0] as (typeof checked.error.issues)[number];
    throw invalid(file, describeIssue(issue, raw), checked.error.issues.length - 1);
  }
  checkReferences(checked.data, file);
  return withDefaults(checked.data, file, environment);
}

function checkReferences(data: ConfigurationFile, file: string): void {
  const known = Object.keys(data.repositories);
  for (const [name, source] of Object.entries(data.sources)) {
    const expected = `expected one of ${known.join(', ')}`;
    if (source.repository === undefined && known.length > 1) {
      throw invalid(file, `sources.${name}.repository: ${expected}, got nothing`);
    }
    if (source.repository !== undefined && !known.includes(source.repository)) {
      throw invalid(file, `sources.${name}.repository: ${expected}, got "${source.repository}"`);
    }
  }
}

function withDefaults(
  data: ConfigurationFile,
  file: string,
  environment: NodeJS.ProcessEnv,
): Configuration {
  const path = (text: string) => absolutePath(text, dirname(file), environment);
  const secret = (setting: PasswordSetting): PasswordSetting =>
    'file' in setting ? { file: path(setting.file) } : setting;
  const only = Object.keys(data.repositories)[0] as string;
  const limit = data.spool?.limit === undefined ? undefined : parseByteSize(data.spool.limit);
  return Object.freeze({
    file,
    name: data.name,
    repositories: mapValues(data.repositories, (each) => ({
      location: /^[a-z0-9]+:/.test(each.location) ? each.location : path(each.location),
      password: secret(each.password),
    })),
    sources: mapValues(data.sources, (each) => ({
      ...each,
      repository: each.repository ?? only,
      ...(each.password ? { password: secret(each.password) } : {}),
      ...(each.programs ? { programs: path(each.programs) } : {}),
      ...(each.rescue?.password
        ? { rescue: { ...each.rescue, password: secret(each.rescue.password) } }
        : {}),
    })),
    stateFolder: data.state ? path(data.state) : defaultStateFolder(environment),
    ...(data.scratch ? { scratchFolder: path(data.scratch) } : {}),
    ...(limit === undefined ? {} : { spoolLimitBytes: limit }),
  });
}

function absolutePath(text: string, folder: string, environment: NodeJS.ProcessEnv): string {
  if (text === '~' || text.startsWith('~/')) {
    return join(environment.HOME || homedir(), text.slice(1));
  }
  return isAbsolute(text) ? text : resolve(folder, text);
}

function defaultStateFolder(environment: NodeJS.ProcessEnv): string {
  if (process.getuid?.() === 0) return '/var/lib/lifeboat';
  const base = environment.XDG_STATE_HOME || join(environment.HOME || homedir(), '.local/state');
  return join(base, 'lifeboat');
}

function mapValues<In, Out>(record: Record<string, In>, map: (value: In) => Out) {
  return Object.freeze(
    Object.fromEntries(Object.entries(record).map(([key, value]) => [key, map(value)])),
  );
}

function firstLine(text: string): string {
  return (text.split('\n')[0] as string).replace(/ at line \d+, column \d+:?$/, '');
}

function invalid(file: string, fact: string, others = 0): LifeboatError {
  const more = others > 0 ? ` (and ${others} more)` : '';
  return new LifeboatError('config.invalid', `${file}: ${fact}${more}`, {
    hint: 'Correct the file. docs/guide/configuration.md lists every option.',
    context: { file },
  });
}
