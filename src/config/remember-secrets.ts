import { readFileSync, statSync } from 'node:fs';
import { rememberSecret } from '../core/index.ts';
import type { Configuration } from './configuration.ts';

const passwordBytesMax = 4096;
/** What other programs take passwords from, whatever the configuration says. */
const usualVariables = [
  'LIFEBOAT_PASSWORD',
  'LIFEBOAT_FROM_PASSWORD',
  'PGPASSWORD',
  'RESTIC_PASSWORD',
  'AWS_SECRET_ACCESS_KEY',
  'AWS_SESSION_TOKEN',
  'REDISCLI_AUTH',
];

/**
 * Lets `hideSecrets` know the passwords that the configuration and the environment hold, before text is kept that somebody typed. Those of
 * files, variables and URLs; what a command prints or a person types is known once it was read. Never fails: what cannot be read is nobody's
 * secret here.
 */
export function rememberSecrets(
  configuration: Configuration | undefined,
  environment: NodeJS.ProcessEnv,
): void {
  for (const name of usualVariables) remember(environment[name]);
  if (configuration !== undefined) walk(configuration.declared, environment);
}

function walk(value: unknown, environment: NodeJS.ProcessEnv): void {
  if (typeof value === 'string') fromUrl(value);
  if (typeof value !== 'object' || value === null) return;
  const { file, env } = value as { readonly file?: unknown; readonly env?: unknown };
  // A password is an object with one of these and nothing else.
  if (Object.keys(value).length === 1) {
    if (typeof env === 'string') remember(environment[env]);
    if (typeof file === 'string') remember(firstLine(file));
  }
  for (const inner of Object.values(value)) walk(inner, environment);
}

function fromUrl(text: string): void {
  const password = /^[a-z][a-z0-9+.:-]*:\/\/[^\s:/@]*:([^\s/@]+)@/i.exec(text)?.[1];
  const inQuery = /[?&]password=([^&\s]+)/i.exec(text)?.[1];
  for (const each of [password, inQuery]) {
    if (each === undefined) continue;
    remember(each);
    try {
      remember(decodeURIComponent(each));
    } catch {
      // Not encoded after all.
    }
  }
}

function firstLine(path: string): string | undefined {
  try {
    if (statSync(path).size > passwordBytesMax) return undefined;
    return readFileSync(path, 'utf8').split(/\r?\n/, 1)[0];
  } catch {
    return undefined;
  }
}

function remember(text: string | undefined): void {
  if (text) rememberSecret(text);
}
