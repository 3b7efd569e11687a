import { existsSync } from 'node:fs';
import { hostname } from 'node:os';
import { resolve } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import {
  type ConfigurationFile,
  checkStoredConfiguration,
  configurationYaml,
  type PasswordSetting,
  parseConfiguration,
} from '../../config/index.ts';
import { assert, LifeboatError } from '../../core/index.ts';
import { type FoundConfiguration, findConfigurations } from '../../recovery/index.ts';
import { openLocated, passwordFromEnvironment } from '../chosen-repository.ts';
import type { CommandContext } from '../command.ts';
import { describeStoredOffer } from '../output/stored-offer-text.ts';
import { visible } from '../output/visible.ts';
import { writeNewFile } from '../setup/new-file.ts';
import { chooseStored } from './choose-stored.ts';
import { fitToHost } from './fit-to-host.ts';
import { describeOffer, type StoredOffer } from './stored-offer.ts';

export interface AdoptWish {
  readonly location: string;
  /** Whose configuration. */
  readonly host?: string | undefined;
  /** Where the password of the repository comes from. Default: the environment, or the terminal. */
  readonly password?: PasswordSetting | undefined;
  /** Names of this host that stand for having typed it. */
  readonly yes: readonly string[];
}

/** More are not of use to anybody. */
const mostRefusedTold = 20;

/**
 * Makes this host one of the configuration that a repository holds: shows who stored it, and everything that it would run, connect to and read,
 * and writes it once the name of this host was typed. Nothing in it is run, read or connected to before. Resolves with the path of the new
 * file. Errors: `config.exists`, `config.not-stored`, `confirmation.missing`, `record.invalid`, those of opening the repository.
 */
export async function adoptConfiguration(
  context: CommandContext,
  { location, host, password, yes }: AdoptWish,
): Promise<string> {
  const { output, environment } = context;
  const file = newFile(context);
  const setting = password ?? passwordFromEnvironment(environment);
  await using repository = await openLocated(context, location, setting);
  const { found, refused } = await findConfigurations(repository);
  for (const { id, problem } of refused.slice(0, mostRefusedTold)) {
    output.warn(
      `record ${id} is not used: ${visible(problem)}`,
      'It may have been a newer configuration. `lifeboat check` looks at every record.',
    );
  }
  if (found.length === 0) throw noneStored(location, refused.length);
  const stored = await chooseStored(context, found, host);
  const checked = checkStoredConfiguration(stored.kept.configuration);
  if ('problem' in checked) throw unusable(stored, checked.problem);
  const fitted = await fitToHost(checked.configuration, stored, {
    location: /^[a-z0-9]+:/.test(location) ? location : resolve(context.folder, location),
    repositoryId: repository.id,
    password: setting,
    isPasswordGiven: password !== undefined,
    environment,
  });
  // What is shown and written is what commands will see: a relative path means something here already.
  const { declared } = parseConfiguration(textOf(stored, fitted.configuration), file, environment);
  const text = textOf(stored, declared);
  const again = parseConfiguration(text, file, environment);
  assert(isDeepStrictEqual(again.declared, declared), 'what is written is what is shown');
  const now = new Date();
  const about = { file, repository, environment, now };
  const offer = await describeOffer(stored, { ...fitted, configuration: declared }, about);
  show(context, offer, now);
  await requireHost(context, yes);
  if (!(await writeNewFile(file, text))) throw exists(file);
  output.report({ type: 'configuration-adopted', file, record: stored.id }, ({ green }) => {
    return `${green('✓')} wrote ${file}`;
  });
  return file;
}

/** Where commands look for it. Errors: `config.exists`. */
function newFile({ configFile, environment, folder }: CommandContext): string {
  const file = resolve(folder, configFile ?? (environment.LIFEBOAT_CONFIG || 'lifeboat.yaml'));
  if (existsSync(file)) throw exists(file);
  return file;
}

function show({ output }: CommandContext, offer: StoredOffer, now: Date): void {
  const { stored, ...rest } = offer;
  const { kept, id: record, ...signed } = stored;
  const { host, actor, program, file: storedIn, leftOut } = kept;
  const by = { record, ...signed, host, actor, program, storedIn, leftOut };
  output.report({ type: 'stored-configuration', ...by, ...rest }, (style) => {
    return describeStoredOffer(offer, now, style);
  });
  for (const warning of offer.warnings) output.warn(visible(warning));
}

/** Errors: `confirmation.missing`. */
async function requireHost({ ask }: CommandContext, yes: readonly string[]): Promise<void> {
  const host = hostname();
  if (yes.includes(host)) return;
  const question = `To let this configuration in, type the name of this host (${host})`;
  const typed = ask ? await ask.text(question) : yes[0];
  if (typed?.trim() === host) return;
  const fact =
    typed === undefined
      ? 'nobody has allowed this configuration on this host'
      : `${JSON.stringify(typed.trim())} was given, this host is called "${host}"`;
  throw new LifeboatError('confirmation.missing', fact, {
    hint: `Nothing was written or run. Look at the commands above; then type the name when asked, or give --yes ${host} in a script.`,
  });
}

function textOf(
  { id, kept, time, writer }: FoundConfiguration,
  configuration: ConfigurationFile,
): string {
  const head = [
    `Stored by ${kept.actor} on ${kept.host} at ${time.toISOString()}`,
    `record ${id}, signed by key ${writer}`,
  ];
  const comments = head.map((line) => `# ${visible(line)}\n`);
  return comments.join('') + configurationYaml(configuration);
}

function noneStored(location: string, refused: number): LifeboatError {
  const fact =
    refused === 0
      ? `no configuration is stored in ${location}`
      : `no configuration stored in ${location} can be used`;
  return new LifeboatError('config.not-stored', fact, {
    hint: '`backup`, `serve` and `recover` store it. Try another repository, or write lifeboat.yaml by hand: `lifeboat init` begins one, `snapshots -r LOCATION` shows the sources.',
  });
}

function unusable({ id, kept }: FoundConfiguration, problem: string): LifeboatError {
  return new LifeboatError(
    'record.invalid',
    `the configuration in record ${id} cannot be used: ${visible(problem.slice(0, 500))}`,
    {
      hint: `${visible(kept.program)} stored it; a newer version than this one may understand it.`,
    },
  );
}

function exists(file: string): LifeboatError {
  return new LifeboatError('config.exists', `the configuration ${file} exists already`, {
    hint: 'It is never overwritten. Move it away, or give another path with --config.',
    context: { file },
  });
}
