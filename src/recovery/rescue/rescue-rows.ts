import { isLifeboatError, LifeboatError, type Progress, silentProgress } from '../../core/index.ts';
import type { ConnectionSettings } from '../../sources/index.ts';
import { commitSurely } from './commit-surely.ts';
import type { Destruction } from './destruction.ts';
import { countBrokenReferences } from './find-orphans.ts';
import { type JudgedRows, judgeRows } from './judge-rows.ts';
import { findLostReferences, type LostReferences, putReferencesBack } from './lost-references.ts';
import { verifyOwnWrites } from './own-writes.ts';
import type { PastServer } from './past-server.ts';
import { countEqual, insertRows, markOvertaken } from './put-back.ts';
import { chooseQuietMode, type QuietMode, quietTriggers } from './quiet-triggers.ts';
import { findSequencesBehind, raiseSequences } from './raise-sequences.ts';
import { openRescueSessions, type RescueSessions } from './rescue-sessions.ts';
import { describeReferences, describeTable, type RescueTable, type RowPlan } from './row-plan.ts';
import { countVerdicts } from './row-verdicts.ts';
import { type SavedConflict, saveConflicts } from './save-conflicts.ts';
import { matchTables, type TableMatch } from './table-match.ts';

export interface RowRescue {
  readonly past: PastServer;
  readonly live: ConnectionSettings;
  readonly destruction: Destruction;
  readonly signal?: AbortSignal;
  readonly progress?: Progress;
  /** How long to wait for another session's lock before giving up without a change. Default 10 s. */
  readonly lockTimeoutMs?: number;
}

export interface RowOutcome {
  readonly database: string;
  readonly tables: readonly (RescueTable & { readonly putBack: number })[];
  readonly references: readonly { readonly table: string; readonly putBack: number }[];
  /** Rows that were not put back. Not empty means exit code 3. */
  readonly conflicts: readonly SavedConflict[];
  readonly warnings: readonly string[];
}

const defaultLockTimeoutMs = 10_000;

/**
 * Counts what a rescue would do. Everything happens in temporary tables of one transaction that is rolled back.
 * Errors: `rescue.unsupported`, `postgres.other-cluster`, `postgres.*`, `cancelled`.
 */
export async function planRows(rescue: RowRescue): Promise<RowPlan> {
  const progress = rescue.progress ?? silentProgress;
  await using sessions = await openSessions(rescue);
  const { past, live, database } = sessions;
  await begin(sessions, rescue);
  const triggers = await chooseQuietMode(live);
  const matches = await matchTables(past, live, rescue.destruction.files);
  const judged = await judgeRows(past, live, matches, { hold: false, progress });
  requireOrder(judged, triggers);
  const lost = await findLostReferences(past, live, matches, progress);
  const counts = await countVerdicts(live);
  const sequences = await findSequencesBehind(past, live, matches);
  await rollback(sessions);
  return Object.freeze({
    database,
    tables: Object.freeze(
      touched(judged).map((match) =>
        describeTable(match, judged.destroyed[match.index] ?? 0, counts),
      ),
    ),
    references: Object.freeze(lost.map(describeReferences)),
    sequences: Object.freeze(sequences),
    triggers,
    warnings: Object.freeze(matches.flatMap((match) => match.warnings)),
  });
}

/**
 * Puts the rows back, in one transaction: before the commit every row is compared with what it was, and nothing else
 * may have been written. Killed anywhere, the live server is as before or as after; running it again is harmless.
 * `conflictFolder` receives rows that could not be put back, before the commit. Errors: as `planRows`, and
 * `rescue.failed` (rolled back).
 */
export async function putRowsBack(
  rescue: RowRescue & { readonly conflictFolder: string; readonly name: string },
): Promise<RowOutcome> {
  const progress = rescue.progress ?? silentProgress;
  await using sessions = await openSessions(rescue);
  const { past, live, database } = sessions;
  await begin(sessions, rescue);
  try {
    // 1. Decide on the state of this moment, not of the plan: writers may have gone on in between.
    const mode = await chooseQuietMode(live);
    const matches = await matchTables(past, live, rescue.destruction.files);
    const judged = await judgeRows(past, live, matches, { hold: mode === 'replica', progress });
    requireOrder(judged, mode);
    const lost = await findLostReferences(past, live, matches, progress);

    // 2. Sequences first: whoever writes while we insert must not draw a number that comes back with the rows.
    const warnings = [...matches.flatMap((match) => match.warnings)];
    warnings.push(...(await raiseSequences(past, live, matches)));

    // 3. Rows, parents first, with triggers silent.
    const loud = await quietTriggers(live, touchedBy(judged, lost), mode);
    if (mode === 'owner') await live.run('set constraints all deferred');
    const inserted = await insertAll(sessions, judged, mode, progress);
    const references: { table: string; oid: number; putBack: number }[] = [];
    for (const each of lost) {
      const putBack = await putReferencesBack(live, each);
      references.push({ table: each.match.display, oid: each.match.live.oid, putBack });
    }
    if (mode === 'owner') await live.run('set constraints all immediate');
    await loud();

    // 4. Compare before the commit, while everything can still be undone.
    progress({ type: 'note', message: 'comparing every row with what it was' });
    await verifyRows(sessions, judged, inserted);
    const broken = await countBrokenReferences(live, matches);
    if (broken > 0) {
      throw new LifeboatError('rescue.failed', `${broken} rows put back would point nowhere`, {
        hint: 'A parent row was deleted meanwhile. Everything was rolled back; run the command again.',
        retryable: true,
      });
    }
    const expected = new Map(
      matches.map(({ live: table, index }) => [
        table.oid,
        {
          inserted: inserted[index] ?? 0,
          updated: references.find((each) => each.oid === table.oid)?.putBack ?? 0,
        },
      ]),
    );
    await verifyOwnWrites(live, expected);

    // 5. What stays away is on disk before the rest is committed.
    const counts = await countVerdicts(live);
    const { conflictFolder, name } = rescue;
    const conflicts = await saveConflicts(live, matches, counts, conflictFolder, name);
    await commitSurely(live);
    return Object.freeze({
      database,
      tables: touched(judged).map((match) => ({
        ...describeTable(match, judged.destroyed[match.index] ?? 0, counts),
        putBack: inserted[match.index] ?? 0,
      })),
      references: references.map(({ table, putBack }) => ({ table, putBack })),
      conflicts,
      warnings,
    });
  } catch (error) {
    await rollback(sessions).catch(() => {});
    throw asRescueError(error);
  }
}

async function openSessions(rescue: RowRescue): Promise<RescueSessions> {
  return await openRescueSessions({
    past: rescue.past,
    live: rescue.live,
    databaseOid: rescue.destruction.databaseOid,
    ...(rescue.signal ? { signal: rescue.signal } : {}),
  });
}

/** The past is read in one snapshot. The live side sees what others commit, statement by statement. */
async function begin({ past, live }: RescueSessions, rescue: RowRescue): Promise<void> {
  await past.run('begin isolation level repeatable read read only');
  // READ WRITE: a frozen database has default_transaction_read_only on.
  await live.run('begin isolation level read committed read write');
  await live.run(`set local lock_timeout = ${rescue.lockTimeoutMs ?? defaultLockTimeoutMs}`);
  // The server notices when we are killed, also in the middle of a long statement (14 and newer).
  const [server] = await live.rows<{ version: number }>(
    `select current_setting('server_version_num')::int4 as version`,
  );
  if ((server?.version ?? 0) >= 140000) {
    await live.run(`set local client_connection_check_interval = '2s'`);
  }
}

/** The past needs none: its connection may still be in the middle of a COPY, and closing it is enough. */
async function rollback({ live }: RescueSessions): Promise<void> {
  await live.client.query('rollback');
}

/** Without the right to silence foreign-key checks, a cycle of keys that cannot be deferred has no order. */
function requireOrder({ order, matches }: JudgedRows, mode: QuietMode): void {
  const firm = order.forward.find((reference) => !reference.deferrable);
  if (mode === 'replica' || !firm) return;
  throw new LifeboatError(
    'rescue.unsupported',
    `the tables reference each other in a circle (${firm.constraint} of ${matches[firm.child]?.display})`,
    { hint: 'Connect as a superuser: then the keys are checked at the end of the rescue.' },
  );
}

async function insertAll(
  { live }: RescueSessions,
  judged: JudgedRows,
  mode: QuietMode,
  progress: Progress,
): Promise<number[]> {
  const inserted: number[] = judged.matches.map(() => 0);
  for (const match of touched(judged)) {
    const wanted = judged.destroyed[match.index] ?? 0;
    inserted[match.index] = await insertRows(live, match, wanted, mode, progress);
  }
  return inserted;
}

/** Every inserted row must equal the row of the past; wanted rows that were skipped get a verdict. */
async function verifyRows(
  { live }: RescueSessions,
  judged: JudgedRows,
  inserted: readonly number[],
): Promise<void> {
  const counts = await countVerdicts(live);
  const decided = (match: TableMatch) =>
    counts.reduce((sum, count) => sum + (count.table === match.index ? count.rows : 0), 0);
  for (const match of touched(judged)) {
    const equal = await countEqual(live, match);
    if (equal < (inserted[match.index] ?? 0)) {
      throw new LifeboatError(
        'rescue.failed',
        `${match.display}: ${(inserted[match.index] ?? 0) - equal} rows would differ from what they were`,
        {
          hint: 'Something changed the rows while they were inserted. Everything was rolled back.',
        },
      );
    }
    // Equal rows account for all that were wanted: nobody was faster.
    if (equal < (judged.destroyed[match.index] ?? 0) - decided(match))
      await markOvertaken(live, match);
  }
}

/** Tables that lost rows, parents first. */
function touched({ order, matches, destroyed }: JudgedRows): readonly TableMatch[] {
  return order.order
    .map((index) => matches[index] as TableMatch)
    .filter((match) => (destroyed[match.index] ?? 0) > 0 || match.file.truncated);
}

function touchedBy(judged: JudgedRows, lost: readonly LostReferences[]): readonly TableMatch[] {
  return [...new Set([...touched(judged), ...lost.map((each) => each.match)])];
}

/** Constraint violations and the like end the rescue as a whole: say that nothing happened. */
function asRescueError(error: unknown): unknown {
  if (!isLifeboatError(error, 'postgres.query') || error.retryable) return error;
  return new LifeboatError('rescue.failed', `the rescue was rolled back: ${error.message}`, {
    hint: error.hint ?? 'Nothing was changed on the live server.',
    context: error.context,
    cause: error,
  });
}
