import { readFile, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { isLifeboatError, LifeboatError, Secret } from '../../../core/index.ts';
import type { ConnectionSettings } from '../connection-settings.ts';

/** Where libpq looks for a server's socket when nobody names a folder; a password file calls it `localhost`. */
const defaultSocketFolders = ['/var/run/postgresql', '/run/postgresql', '/tmp'];

/**
 * The password as libpq finds it: given, PGPASSWORD, the password file (PGPASSFILE or ~/.pgpass). Throws `postgres.refused` when there is
 * none: it is looked for only when the server asks. `databases` are what the lines of the file may name, the best first; for
 * replication that is `replication`. As in libpq, a password file that others can read is not used, and that is said.
 */
export async function findPassword(
  settings: ConnectionSettings,
  databases: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): Promise<Secret> {
  if (settings.password) return settings.password;
  if (env.PGPASSWORD) return new Secret(env.PGPASSWORD);
  const path = env.PGPASSFILE || join(homedir(), '.pgpass');
  const text = await readPasswordFile(path, settings);
  for (const database of text === undefined ? [] : databases) {
    const found = findInPasswordFile(text as string, settings, database);
    if (found) return found;
  }
  const fact = text === undefined ? '' : `; no line of ${path} fits`;
  throw noPassword(settings, fact);
}

async function readPasswordFile(
  path: string,
  settings: ConnectionSettings,
): Promise<string | undefined> {
  try {
    const info = await stat(path);
    if (!info.isFile()) throw noPassword(settings, `; ${path} is no plain file`);
    if ((info.mode & 0o077) !== 0) {
      const fact = `; ${path} is not used, because others on this machine can read it`;
      throw noPassword(settings, fact, `Run: chmod 600 ${path}`);
    }
    return await readFile(path, 'utf8');
  } catch (error) {
    if (isLifeboatError(error)) throw error;
    // No readable file means no password there.
    return undefined;
  }
}

/** The server asks for a password and nothing names one. */
function noPassword({ user }: ConnectionSettings, fact: string, hint?: string): LifeboatError {
  return new LifeboatError(
    'postgres.refused',
    `the server wants a password for ${user}, and there is none${fact}`,
    {
      hint:
        hint ??
        'Give it as `password: { file: PATH }` of the source in lifeboat.yaml, in PGPASSWORD, or in ~/.pgpass (mode 0600).',
    },
  );
}

/** First line of `host:port:database:user:password` that fits. */
export function findInPasswordFile(
  text: string,
  settings: ConnectionSettings,
  database: string,
): Secret | undefined {
  const { host, port, user } = settings;
  const place = defaultSocketFolders.includes(host) ? 'localhost' : host;
  const wanted = [place, String(port), database, user];
  for (const line of text.split(/\r?\n/)) {
    if (line.startsWith('#')) continue;
    const fields = [...line.matchAll(/((?:\\.|[^:\\])*)(?::|$)/g)].map(
      (match) => match[1] as string,
    );
    const fits = wanted.every((value, index) => {
      const field = fields[index];
      return field === '*' || (field !== undefined && unescaped(field) === value);
    });
    if (fits && fields[4]) return new Secret(unescaped(fields[4]));
  }
  return undefined;
}

function unescaped(field: string): string {
  return field.replace(/\\(.)/g, '$1');
}
