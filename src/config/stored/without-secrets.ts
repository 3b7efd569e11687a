import {
  concealInText,
  concealSecretArguments,
  hideKnownSecrets,
  isKnownSecret,
} from '../../core/index.ts';
import type { ConfigurationFile } from '../schema.ts';
import { addressWithoutSecrets } from './address-without-secrets.ts';
import {
  type ChangeOfValue,
  type ConfiguredValue,
  mapConfigured,
  valuesWithRoles,
} from './map-configured.ts';

/** Stands where a secret stood. A configuration that holds it is not used before somebody has put the secret back. */
export const notStored = 'LIFEBOAT-SECRET-NOT-STORED';
/** The same where a password may come from a variable: what needs it fails, and nothing else does. */
const notStoredVariable = 'LIFEBOAT_SECRET_NOT_STORED';

export interface WithoutSecrets {
  readonly configuration: ConfigurationFile;
  /** Places where something was left out: `sources.database.connection`. */
  readonly leftOut: readonly string[];
}

/**
 * A configuration as it may be kept where others read it. It is meant to hold no secret: passwords come from files, variables and commands.
 * What holds one all the same is taken out: passwords in addresses; values of headers and of what is sent, unless their name says that they
 * are harmless; arguments, scripts, notes that say of themselves that a secret follows, or look like a well-known kind of token; and every
 * secret that this process knows, wherever it stands.
 */
export function withoutSecrets(data: ConfigurationFile): WithoutSecrets {
  const leftOut = new Set<string>();
  const configuration = mapConfigured(data, (found) => {
    const change = changeOf(found);
    if (change === undefined) return undefined;
    const isSame =
      change !== 'nothing' && JSON.stringify(change.instead) === JSON.stringify(found.value);
    if (!isSame) leftOut.add(known(found.path.join('.')));
    return change;
  });
  return { configuration, leftOut: [...leftOut] };
}

/** Places that hold what stands for a secret, and would be used so; not those that only people read. */
export function incompletePlaces(data: ConfigurationFile): readonly string[] {
  return valuesWithRoles(data)
    .filter(({ value }) => [value].flat().some((each) => String(each).includes(notStored)))
    .map(({ path }) => path.join('.'));
}

const changeOf: ChangeOfValue = (found) => {
  const { path, role, value, isText, hasFreeName } = found;
  const name = path.at(-1) ?? '';
  if (hasFreeName && known(name) !== name) return 'nothing';
  switch (role) {
    case 'name':
      // What other options refer to; a name is nobody's secret.
      return undefined;
    case 'command':
      return { instead: commandWithoutSecrets(found) };
    case 'server':
    case 'location':
      return { instead: known(addressWithoutSecrets(value as string, notStored)) };
    case 'header':
      return { instead: valueUnder(name, value, harmlessHeaders) };
    case 'sent':
      return { instead: valueUnder(name, value, harmlessFields) };
    case 'variable':
      // The password itself, where its name should stand.
      return /^[A-Za-z_][A-Za-z0-9_]*$/.test(value as string)
        ? undefined
        : { instead: notStoredVariable };
    case 'path':
    case 'path-or-word':
    case 'programs':
    case 'host':
    case 'target':
    case 'image':
      return { instead: known(value as string) };
    default:
      return isText ? { instead: textWithoutSecrets(value as string) } : undefined;
  }
};

/**
 * Without the secrets that are known by their value. A password such as `postgres` or `backup` is a word of every configuration: it counts only
 * where it stands for itself, or the name of every folder would be torn apart.
 */
function known(text: string): string {
  return hideKnownSecrets(text, notStored, isNoWord);
}

function isNoWord(secret: string): boolean {
  return secret.length >= 8 && /[^a-z]/i.test(secret);
}

function knownValue(text: string): string {
  return isKnownSecret(text) ? notStored : known(text);
}

/** `The password is ...`, in a note to people. */
const told = /\b(pass(?:word|wd|phrase)?|secret|token|api[-_ ]?key)(\s+is\s+|\s*[:=]\s*)(\S+)/gi;

function textWithoutSecrets(text: string): string {
  const safe = concealInText(text, () => notStored).replace(
    told,
    (_, what: string, between: string) => `${what}${between}${notStored}`,
  );
  return known(safe);
}

/** Where a password may stand under any name. */
const takesPasswords = ['headers', 'send'];
/** What prints a password only repeats it. */
const printers = ['echo', 'printf', 'print'];

function commandWithoutSecrets({ value, path }: ConfiguredValue): readonly string[] {
  const args = value as readonly string[];
  const isPassword = path.at(-2) === 'password' || takesPasswords.includes(path.at(-3) ?? '');
  const program = args[0]?.split('/').at(-1) ?? '';
  if (isPassword && printers.includes(program)) {
    return args.map((each, index) => (index === 0 ? each : notStored));
  }
  const safe = concealSecretArguments(args, () => notStored);
  return safe.map((each) =>
    knownValue(
      isPassword ? each.replace(printed, (_, start: string) => `${start}${notStored}`) : each,
    ),
  );
}

/** Within a script: `echo hunter2`. */
const printed = /(\b(?:echo|printf|print)\s+(?:-\S+\s+)*)("[^"]*"|'[^']*'|[^\s"';&|]+)/g;

const harmlessHeaders =
  /^(accept(-\w+)*|content-type|user-agent|host|origin|referer|cache-control|x-request-id|x-forwarded-\w+)$/i;
const harmlessFields =
  /^(user(_?name)?|e-?mail|login|name|account|grant_type|scope|client_id|id)$/i;

/** A password setting may stand there, and stands for what is left out. */
function valueUnder(name: string, value: unknown, harmless: RegExp): unknown {
  if (typeof value === 'boolean' || value === null || value === '') return value;
  const text = String(value);
  const isHarmless =
    harmless.test(name) && !isKnownSecret(text) && textWithoutSecrets(text) === text;
  return isHarmless ? value : { env: notStoredVariable };
}
