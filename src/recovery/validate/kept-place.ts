import { LifeboatError } from '../../core/index.ts';
import type { RestoredServer } from '../../sources/index.ts';
import { formatLsn } from '../../wal/index.ts';
import { quoteName } from '../rescue/sql-text.ts';
import { openMaintenance, replayedTime, statementLimitMs } from './copy-place.ts';
import type { Place } from './place.ts';
import { readPlaceFacts } from './place-facts.ts';
import { makeReader } from './reader-role.ts';

/** Disposal takes back what was made for the checks. */
export type KeptPlace = Place & AsyncDisposable;

/**
 * A restored cluster that the user keeps as a place for checks. Nothing of them stays: the role that may only read is dropped, or
 * disposal throws `recovery.failed`, with which the cluster is not handed over.
 */
export async function keptPlace(
  restored: RestoredServer,
  options: Pick<
    Place,
    'userChecks' | 'formerValues' | 'former' | 'accounted' | 'preloadLibraries'
  > & { readonly signal?: AbortSignal },
): Promise<KeptPlace> {
  const { signal, ...about } = options;
  await using session = await openMaintenance(restored, signal);
  await session.run('set default_transaction_read_only = off');
  const facts = await readPlaceFacts(session);
  const moment = (await replayedTime(session)) ?? new Date(restored.base.info.stopTime);
  const limitMs = await statementLimitMs(session);
  // Last: nothing that may fail comes between it and disposal.
  const reader = facts.major >= 14 ? await makeReader(session, facts.major) : undefined;
  return {
    ...about,
    ...facts,
    kind: 'copy',
    isKept: true,
    dataFolder: restored.dataFolder,
    position: formatLsn(restored.reachedLsn),
    moment,
    statementLimitMs: limitMs,
    rows: new Map(),
    connection: (database, role) => {
      if (role === 'superuser') return restored.connection(database);
      if (reader !== undefined) return restored.connection(database, reader);
      throw new LifeboatError(
        'postgres.refused',
        `PostgreSQL ${facts.major} has no role that may read everything and do nothing else; \`lifeboat prove\` looks, on a copy`,
      );
    },
    [Symbol.asyncDispose]: async () => {
      if (reader !== undefined) await dropReader(restored, reader);
    },
  };
}

/** Also when the checks were cancelled. */
async function dropReader(restored: RestoredServer, reader: string): Promise<void> {
  try {
    await using session = await openMaintenance(restored, undefined);
    await session.run('set default_transaction_read_only = off');
    await session.run(`drop role ${quoteName(reader)}`);
  } catch (cause) {
    throw new LifeboatError(
      'recovery.failed',
      `the role ${reader}, which the checks of the restored data needed, could not be dropped again`,
      {
        hint: 'Did the restored server end while its data was read? Run the restore again; with --validate none nothing is read.',
        cause,
      },
    );
  }
}
