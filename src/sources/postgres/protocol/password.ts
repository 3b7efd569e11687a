import { readFile, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { LifeboatError, Secret } from '../../../core/index.ts';
import type { ConnectionSettings } from '../connection-settings.ts';

/**
 * The password as libpq finds it: given, PGPASSWORD, the password file (PGPASSFILE or ~/.pgpass). Undefined when there is
 * none. As in libpq, a password file that others can read is ignored.
 */
export async function findPassword(
  settings: ConnectionSettings,
  env: NodeJS.ProcessEnv = process.env,
): Promise<Secret | undefined> {
  if (settings.password) return settings.password;
  if (env.PGPASSWORD) return new Secret(env.PGPASSWORD);
  const path = env.PGPASSFILE || join(homedir(), '.pgpass');
  try {
    if (((await stat(path)).mode & 0o077) !== 0) return undefined;
    return findInPasswordFile(await readFile(path, 'utf8'), settings);
  } catch {
    // No readable file means no password there; the server's refusal will say what is missing.
    return undefined;
  }
}

/** The server asks for a password and nothing names one. */
export function noPassword({ user }: ConnectionSettings): LifeboatError {
  return new LifeboatError(
    'postgres.refused',
    `the server wants a password for ${user}, and there is none`,
    {
      hint: 'Give it as `password: { file: PATH }` of the source in lifeboat.yaml, in PGPASSWORD, or in ~/.pgpass (mode 0600).',
    },
  );
}

/** First line of `host:port:database:user:password` that fits; replication connections have the database `replication`. */
export function findInPasswordFile(text: string, settings: ConnectionSettings): Secret | undefined {
  const host = settings.host.startsWith('/') ? [settings.host, 'localhost'] : [settings.host];
  const wanted = [host, [String(settings.port)], ['replication'], [settings.user]];
  for (const line of text.split(/\r?\n/)) {
    if (line.startsWith('#')) continue;
    const fields = [...line.matchAll(/((?:\\.|[^:\\])*)(?::|$)/g)].map((match) =>
      (match[1] as string).replace(/\\(.)/g, '$1'),
    );
    const fits = wanted.every(
      (values, index) => fields[index] === '*' || values.includes(fields[index] ?? ''),
    );
    if (fits && fields[4]) return new Secret(fields[4]);
  }
  return undefined;
}
