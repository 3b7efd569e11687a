import {
  isLifeboatError,
  LifeboatError,
  type Progress,
  silentProgress,
} from '../../../core/index.ts';
import { type Lsn, parseLsn } from '../../../wal/index.ts';
import {
  chooseServerAccount,
  createRunFolder,
  type RunFolder,
  type RunningServer,
  runServer,
  type ServerAccount,
} from '../server/index.ts';
import { withSession } from './database-session.ts';
import { isolationSettings } from './isolation-settings.ts';
import type { RecoveryPlan } from './recovery-plan.ts';
import {
  askForRecovery,
  describeStop,
  explainFailure,
  notReached,
  type ReplayedServer,
  type ReplayOptions,
  recoverySettings,
  refuseOldMinor,
  verifyReached,
} from './replay.ts';
import { findLogin, type SuperuserLogin } from './superuser.ts';
import { WalFeed } from './wal-feed.ts';

export interface PausedRecoveryOptions extends Omit<ReplayOptions, 'plan'> {
  /** Who may log in, tried in this order. */
  readonly users: readonly string[];
}

const pausedLine = /pausing at the end of recovery/;
/** PostgreSQL 14 and newer: a setting was raised within the log, and it stands still until somebody ends it. */
const stuckLine = /recovery has paused/;
const runningLine = /database system is ready to accept connections/;
/** What a replay that is open for reading needs as much of as the original had; the server says how much. */
const lowerSetting =
  /\b([a-z_]+) = \d+ is a lower setting than on the \w+ server,? \(?(?:where )?its value was (\d+)/;
const task = 'replay';

/**
 * A recovery that stands still at a moment, open for reading, and can go on from there: the server is started again with a later
 * stop, on the same data and under the same socket. Disposal stops the server; the data stays.
 */
export class PausedRecovery implements AsyncDisposable {
  readonly #options: PausedRecoveryOptions;
  readonly #runFolder: RunFolder;
  readonly #account: ServerAccount | undefined;
  /** Settings that the original had more of. */
  readonly #raised = new Map<string, string>();
  #plan: RecoveryPlan;
  #feed: WalFeed;
  #server: RunningServer | undefined;
  #login: SuperuserLogin | undefined;

  private constructor(
    options: PausedRecoveryOptions,
    plan: RecoveryPlan,
    parts: { feed: WalFeed; runFolder: RunFolder; account: ServerAccount | undefined },
  ) {
    this.#options = options;
    this.#plan = plan;
    this.#feed = parts.feed;
    this.#runFolder = parts.runFolder;
    this.#account = parts.account;
  }

  /** Replays to the plan's stop and stands there. Errors: as those of `replay`. */
  static async start(given: PausedRecoveryOptions, plan: RecoveryPlan): Promise<PausedRecovery> {
    const options = { ...given, progress: whileReplaying(given.progress ?? silentProgress) };
    const account = await chooseServerAccount(options.account);
    refuseOldMinor({ ...options, plan });
    await askForRecovery(options.dataFolder, account);
    const feed = await startFeed(options, plan, account);
    const runFolder = await createRunFolder(account).catch(async (error) => {
      await feed[Symbol.asyncDispose]();
      throw error;
    });
    const recovery = new PausedRecovery(options, plan, { feed, runFolder, account });
    try {
      await recovery.#replay();
      return recovery;
    } catch (error) {
      await recovery[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** What it followed to where it stands. */
  get plan(): RecoveryPlan {
    return this.#plan;
  }

  /** False when it failed on its way. */
  get isStanding(): boolean {
    return this.#server !== undefined;
  }

  get server(): RunningServer {
    if (this.#server) return this.#server;
    throw new LifeboatError('recovery.failed', 'the recovery is not at a stop');
  }

  get login(): SuperuserLogin {
    if (this.#login) return this.#login;
    throw new LifeboatError('postgres.refused', 'nobody may log in to the server', {
      hint: 'Name a role of the original server that may log in, as the user of the source.',
    });
  }

  /** Behind the last record that was replayed. */
  async position(): Promise<Lsn> {
    const { user, database } = this.login;
    return await withSession(this.server.connection(database, user), async (client) => {
      const { rows } = await client.query<{ lsn: string }>(
        'select pg_catalog.pg_last_wal_replay_lsn()::text as lsn',
      );
      return parseLsn(rows[0]?.lsn ?? '');
    });
  }

  /** Goes on to a later stop. The plan must begin with the same snapshot. */
  async goOn(plan: RecoveryPlan): Promise<void> {
    await this.#stop();
    const isSamePath = JSON.stringify(pathOf(plan)) === JSON.stringify(pathOf(this.#plan));
    if (isSamePath && this.#feed.failure === undefined && plan.end === this.#plan.end) {
      this.#feed.goOnTo(plan.stop);
    } else {
      await this.#feed[Symbol.asyncDispose]();
      this.#feed = await startFeed(this.#options, plan, this.#account);
    }
    this.#plan = plan;
    await this.#replay();
  }

  /** Promotes the server where it stands: it becomes one of its own, to be disposed of by the caller. */
  async accept(): Promise<ReplayedServer> {
    await this.#stop();
    const server = await this.#run('promote', runningLine);
    try {
      const reached = await verifyReached(this.#plan, server, this.#feed);
      const { segments, patchedRecords } = this.#feed;
      await this.#feed[Symbol.asyncDispose]();
      return { server: this.#released(server), ...reached, segments, patchedRecords };
    } catch (error) {
      await server[Symbol.asyncDispose]();
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stop();
    await this.#feed[Symbol.asyncDispose]();
    await this.#runFolder[Symbol.asyncDispose]();
  }

  async #stop(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    // In order, so that it goes on from here and not from the snapshot.
    await server?.stop('fast');
    await server?.[Symbol.asyncDispose]();
  }

  async #replay(): Promise<void> {
    const { progress = silentProgress, users } = this.#options;
    const title = `replaying the log up to ${describeStop(this.#plan)}`;
    progress({ type: 'begin', task, title });
    try {
      const server = await this.#run(
        'pause',
        new RegExp(`${pausedLine.source}|${runningLine.source}`),
      );
      if (!server.log.find(pausedLine)) {
        await server[Symbol.asyncDispose]();
        throw notReached(this.#plan, undefined, 'the server could not be opened for reading there');
      }
      this.#server = server;
      this.#login = await findLogin(server, users);
    } finally {
      progress({ type: 'end', task });
    }
  }

  async #run(action: 'pause' | 'promote', readyLine: RegExp): Promise<RunningServer> {
    const { programs, dataFolder, isScratch, account, signal } = this.#options;
    for (;;) {
      try {
        const server = await runServer({
          programs,
          dataFolder,
          settings: {
            ...isolationSettings(this.#options),
            hot_standby: 'on',
            ...Object.fromEntries(this.#raised),
            ...recoverySettings(this.#plan),
            recovery_target_action: action,
          },
          dataIsScratch: isScratch,
          readyLine: new RegExp(`${readyLine.source}|${stuckLine.source}`),
          runFolder: this.#runFolder,
          ...(account === undefined ? {} : { account }),
          ...(signal ? { signal } : {}),
        });
        if (!server.log.find(stuckLine)) return server;
        await this.#leaveStuck(server);
      } catch (error) {
        if (!isLifeboatError(error, 'postgres.start-failed')) throw error;
        const { log } = error.context;
        const lines = [error.message, ...((log as readonly string[] | undefined) ?? [])];
        if (!this.#raise(lines)) throw explainFailure(error, this.#feed, this.#plan);
      }
    }
  }

  async #leaveStuck(server: RunningServer): Promise<void> {
    await using stuck = server;
    await stuck.stop('fast');
    const lines = stuck.log.lastLines(200);
    if (!this.#raise(lines)) throw notReached(this.#plan, undefined, 'the server paused before it');
  }

  /** Takes over what the server said it has too little of. False when that is not why it ended. */
  #raise(lines: readonly string[]): boolean {
    const found = lines.map((line) => lowerSetting.exec(line)).find((match) => match !== null);
    const [, name = '', value = ''] = found ?? [];
    if (!found || this.#raised.get(name) === value) return false;
    this.#raised.set(name, value);
    return true;
  }

  /** With the folder of its socket. */
  #released(server: RunningServer): RunningServer {
    const runFolder = this.#runFolder;
    return {
      ...server,
      async [Symbol.asyncDispose]() {
        await server[Symbol.asyncDispose]();
        await runFolder[Symbol.asyncDispose]();
      },
    };
  }
}

/** Segments are asked for after the stop was reached, too: that is no progress of anything. */
function whileReplaying(progress: Progress): Progress {
  let isReplaying = false;
  return (event) => {
    if (event.type === 'begin') isReplaying = true;
    if (event.type === 'end') isReplaying = false;
    if (event.type !== 'progress' || isReplaying) progress(event);
  };
}

function pathOf({ path }: RecoveryPlan): readonly (readonly [number, string])[] {
  return path.map(({ timeline, end }) => [timeline, String(end)]);
}

async function startFeed(
  {
    dataFolder,
    progress = silentProgress,
    signal,
  }: PausedRecoveryOptions & { readonly progress?: Progress },
  plan: RecoveryPlan,
  account: ServerAccount | undefined,
): Promise<WalFeed> {
  return await WalFeed.start({
    plan,
    dataFolder,
    account,
    onSegment: (done) => progress({ type: 'progress', task, done, unit: 'segments' }),
    ...(signal ? { signal } : {}),
  });
}
