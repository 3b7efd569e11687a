import type { Repository } from '../../repository/index.ts';
import { parseLsn } from '../../wal/index.ts';
import type { DatabaseRemoval } from '../ground/ground.ts';
import { parseEntry } from '../run/run-entry.ts';
import type { LossSuspect } from './loss-report.ts';

/** Databases that a run removed, as its journal says. */
export interface OwnRemoval extends DatabaseRemoval {
  readonly run: string;
}

/** Of every run that the repository knows of. Errors: `repository.*`. */
export async function ownRemovals({ records }: Repository): Promise<readonly OwnRemoval[]> {
  const found = await records.list({ kind: 'run' });
  return found.flatMap(({ body }) => {
    const entry = parseEntry((body as { readonly entry?: unknown } | null)?.entry);
    return entry?.body.type === 'removes' ? [{ ...entry.body, run: entry.run }] : [];
  });
}

/**
 * Tells which suspects are acts of Lifeboat itself. A name proves nothing, and an oid comes back with a recovery to an earlier moment; so it
 * is the first DROP DATABASE of that oid, on the same timeline, behind the position that was written down before it.
 */
export function markOwn(
  suspects: readonly { readonly suspect: LossSuspect; readonly systemId: string }[],
  removals: readonly OwnRemoval[],
): readonly LossSuspect[] {
  const runs = new Map<LossSuspect, string>();
  for (const { systemId, timeline, lsn, databases, run } of removals) {
    for (const { oid } of databases) {
      const drops = suspects.filter(
        (each) =>
          each.systemId === systemId &&
          each.suspect.timeline === timeline &&
          isDropOf(each.suspect, oid) &&
          parseLsn(each.suspect.firstLsn) >= parseLsn(lsn),
      );
      const [first] = drops
        .map(({ suspect }) => suspect)
        .sort((a, b) => (parseLsn(a.commitLsn) < parseLsn(b.commitLsn) ? -1 : 1));
      if (first) runs.set(first, run);
    }
  }
  return suspects.map(({ suspect }) => {
    const run = runs.get(suspect);
    return run === undefined
      ? suspect
      : Object.freeze({ ...suspect, severity: 'low' as const, own: { run } });
  });
}

/** Nothing but that: a DROP DATABASE is a transaction of its own. */
function isDropOf({ kind, databases, tables }: LossSuspect, oid: number): boolean {
  return (
    kind === 'drop-database' &&
    databases.length === 1 &&
    databases[0]?.oid === oid &&
    tables.every(({ databaseOid }) => databaseOid === oid)
  );
}
