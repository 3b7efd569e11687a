import { join } from 'node:path';
import { isLifeboatError, type Progress, silentProgress } from '../../core/index.ts';
import type { Repository } from '../../repository/index.ts';
import { describeConnection, openScratch, type PostgresSource } from '../../sources/index.ts';
import { parseLsn } from '../../wal/index.ts';
import { findTransaction, logOf } from '../assess/find-transaction.ts';
import { collectDestruction } from './collect-destruction.ts';
import {
  describeOutcome,
  describePlan,
  type RescueOutcome,
  type RescuePlan,
  type RescueRecord,
} from './rescue-plan.ts';
import { planRows, putRowsBack, type RowRescue } from './rescue-rows.ts';

export interface RescueRequest {
  readonly repository: Repository;
  readonly source: PostgresSource;
  /** The transaction whose rows come back. */
  readonly selection: { readonly xid: number } | { readonly commitLsn: string };
  readonly signal?: AbortSignal;
  readonly progress?: Progress;
  /** How long to wait for another session's lock. Default 10 s. */
  readonly lockTimeoutMs?: number;
}

/** A plan and the server of the past that it was made with, which stays up until disposal. */
export interface PreparedRescue extends AsyncDisposable {
  readonly plan: RescuePlan;
  /**
   * Does it, on the state the live server has then. Rows that cannot be put back are saved in
   * `conflictFolder`. Errors: `rescue.failed`, `postgres.*`, `cancelled`; then the live server is unchanged.
   */
  run(options?: { readonly conflictFolder?: string }): Promise<RescueOutcome>;
}

/**
 * Finds the transaction, opens the state just before it, and counts what can be put back. Changes nothing on the live
 * server. Errors: `rescue.no-suspect`, `rescue.unsupported`, `postgres.other-cluster`, `target.outside-window`, and those
 * of the log, the repository and the servers.
 */
export async function planRescue(request: RescueRequest): Promise<PreparedRescue> {
  const { repository, source, selection, signal } = request;
  const progress = request.progress ?? silentProgress;
  const watched = { progress, ...(signal ? { signal } : {}) };

  // 1. What the transaction did, out of the log.
  const suspect = await findTransaction({ source, repository }, selection, watched);
  const log = await logOf({ source, repository }, watched);
  const { warnings, ...destruction } = await collectDestruction(suspect, { ...log, progress });

  // 2. The cluster as it was just before its commit.
  const target = { kind: 'lsn', lsn: parseLsn(suspect.target.lsn), inclusive: false } as const;
  const place = await source.recovery({ repository, target, ...(signal ? { signal } : {}) });
  const base = suspect.base ? { base: suspect.base.snapshot } : {};
  const scratch = await openScratch({ ...place, ...base, progress });
  try {
    // 3. Both side by side.
    const live = source.rescueConnection;
    const { lockTimeoutMs } = request;
    const rescue: RowRescue = {
      past: scratch,
      live,
      destruction,
      ...watched,
      ...(lockTimeoutMs === undefined ? {} : { lockTimeoutMs }),
    };
    const rows = await planRows(rescue);
    const server = describeConnection({ ...live, database: rows.database });
    const plan = describePlan(rows, suspect, source.name, server, warnings);
    return {
      plan,
      run: (options = {}) => {
        const folder = join(source.settings.stateFolder, 'rescue');
        return runRescue(repository, rescue, plan, options.conflictFolder ?? folder);
      },
      [Symbol.asyncDispose]: () => scratch[Symbol.asyncDispose](),
    };
  } catch (error) {
    await scratch[Symbol.asyncDispose]();
    throw error;
  }
}

/** The repository hears of it before the first row is written, and how it ended. */
async function runRescue(
  repository: Repository,
  rescue: RowRescue,
  plan: RescuePlan,
  conflictFolder: string,
): Promise<RescueOutcome> {
  const record = async (body: RescueRecord) => {
    await repository.records.append({ kind: 'rescue', source: plan.source, body });
  };
  await record({ phase: 'intent', plan });
  const started = performance.now();
  try {
    const name = `rescue-${plan.source}-${plan.xid}`;
    const rows = await putRowsBack({ ...rescue, conflictFolder, name });
    const outcome = describeOutcome(rows, plan, performance.now() - started);
    // The rows are back whether or not the repository can be told: that must not look like a failed rescue.
    await record({ phase: 'done', plan, outcome }).catch((error: unknown) => {
      rescue.progress?.({
        type: 'warning',
        message: `the rescue is done, but its record could not be stored: ${(error as Error).message}`,
      });
    });
    return outcome;
  } catch (error) {
    const { code, message } = isLifeboatError(error)
      ? error
      : { code: 'bug', message: String(error) };
    await record({ phase: 'failed', plan, error: { code, message } }).catch(() => {});
    throw error;
  }
}
