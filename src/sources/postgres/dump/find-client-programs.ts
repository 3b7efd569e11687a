import { execFile } from 'node:child_process';
import { access, constants } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { LifeboatError } from '../../../core/index.ts';
import { programFolders } from '../server/find-server-programs.ts';

const run = promisify(execFile);

/** PostgreSQL's programs for logical dumps, of one installation. */
export interface ClientPrograms {
  readonly major: number;
  /** As pg_dump says it: `17.6`. */
  readonly version: string;
  readonly pgDump: string;
  readonly pgRestore: string;
  readonly pgDumpall: string;
}

const newestMajor = 18;

/**
 * Finds `pg_dump` and its kin for a server of that major version: of the same one where it can be found, else of the next newer
 * one (pg_dump reads older servers, never newer ones). A configured folder without them is passed over: it is about server
 * programs. Errors: `postgres.no-client-programs`.
 */
export async function findClientPrograms(
  major: number,
  options: { readonly configuredFolder?: string } = {},
): Promise<ClientPrograms> {
  const { configuredFolder } = options;
  let best: ClientPrograms | undefined;
  const seen = new Set<string>();
  for (let wanted = major; wanted <= Math.max(major, newestMajor); wanted++) {
    const folders = [...programFolders(wanted)].map(({ folder }) => folder);
    for (const folder of configuredFolder ? [configuredFolder, ...folders] : folders) {
      if (seen.has(folder)) continue;
      seen.add(folder);
      const found = await inspect(folder);
      if (found?.major === major) return found;
      if (found && found.major > major && found.major < (best?.major ?? Infinity)) best = found;
    }
  }
  if (best) return best;
  throw new LifeboatError(
    'postgres.no-client-programs',
    `no pg_dump of PostgreSQL ${major} or newer was found`,
    {
      hint: `Debian or Ubuntu: apt-get install postgresql-client-${major}; RHEL or Fedora: dnf install postgresql${major}; or set LIFEBOAT_PG_BIN_${major} to the folder of the programs. The npm package of PostgreSQL has none.`,
      context: { major },
    },
  );
}

async function inspect(folder: string): Promise<ClientPrograms | undefined> {
  const [pgDump, pgRestore, pgDumpall] = ['pg_dump', 'pg_restore', 'pg_dumpall'].map((name) =>
    join(folder, name),
  ) as [string, string, string];
  try {
    for (const path of [pgDump, pgRestore, pgDumpall]) await access(path, constants.X_OK);
    const { stdout } = await run(pgDump, ['--version'], { timeout: 20_000 });
    const version = /\(PostgreSQL\) (\d+)(\S*)/.exec(stdout);
    if (!version) return undefined;
    const major = Number(version[1]);
    return { major, version: `${version[1]}${version[2]}`, pgDump, pgRestore, pgDumpall };
  } catch {
    return undefined;
  }
}
