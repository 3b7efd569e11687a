import {
  isLifeboatError,
  LifeboatError,
  type Progress,
  silentProgress,
} from '../../../core/index.ts';
import type { Lsn } from '../../../wal/index.ts';
import type { ConnectionSettings } from '../connection-settings.ts';
import {
  askSingleUser,
  chooseServerAccount,
  createScratchFolder,
  findServerPrograms,
  type RunningServer,
  removeScratchFolder,
  runServer,
  type ServerPrograms,
  sweepScratch,
} from '../server/index.ts';
import { takeAutoConfiguration } from './copied-configuration.ts';
import { detachCatalog } from './detach-catalog.ts';
import { isolationSettings } from './isolation-settings.ts';
import { type LookAround, replayLookingAround } from './look-around.ts';
import { type LeftOutFiles, planPartialCopy, type WantedTables } from './partial-copy.ts';
import { planRecovery, type RecoveryPlan, type RecoveryRequest } from './recovery-plan.ts';
import { type ReplayedServer, replay } from './replay.ts';
import { restoreSnapshot } from './restore-snapshot.ts';
import { findSuperuser, maintenanceDatabases, type SuperuserLogin } from './superuser.ts';
import { timelineAt } from './timeline-path.ts';

export interface OpenScratchOptions extends RecoveryRequest {
  /** Default: found by the major version of the data. */
  readonly programs?: ServerPrograms;
  /** Where the scratch server's data goes, in a folder of its own. Default: the system's temporary folder. */
  readonly folder?: string;
  /** Account to run as when we are root. */
  readonly account?: string;
  /** Superusers to try before the cluster itself is asked. */
  readonly users?: readonly string[];
  /** Libraries that the data cannot do without. Default none. */
  readonly preloadLibraries?: readonly string[];
  /** Stands still at the target, open for reading, and goes on as this decides; afterwards it can be written to. */
  readonly look?: LookAround;
  /** Restore only the catalogs and these tables. What is read must be seen to be whole: `ScratchServer.leftOut`. */
  readonly only?: WantedTables;
  readonly progress?: Progress;
}

/**
 * A private server on restored data: on a Unix socket only, isolated, thrown away. Disposal stops it and removes
 * everything; after a kill the next start of Lifeboat does.
 */
export interface ScratchServer extends AsyncDisposable {
  readonly socketFolder: string;
  readonly port: number;
  /** A superuser. */
  readonly user: string;
  readonly dataFolder: string;
  /** Behind the last byte that was replayed. */
  readonly reachedLsn: Lsn;
  /** The timeline of that byte. */
  readonly reachedTimeline: number;
  readonly base: RecoveryPlan['backup'];
  /** Bytes of the snapshot that were restored. */
  readonly restoredBytes: number;
  /** Files of relations that were not restored; undefined: everything was. */
  readonly leftOut: LeftOutFiles | undefined;
  /** True when the server has a network namespace of its own. */
  readonly withoutNetwork: boolean;
  connection(database: string): ConnectionSettings;
}

/**
 * Restores a source at `target` and opens it for SQL. The live server is not touched, whatever the data holds:
 * see docs/guide/restore.md. Errors: those of planning, restoring and replaying; `postgres.no-programs`.
 */
export async function openScratch(options: OpenScratchOptions): Promise<ScratchServer> {
  const progress = options.progress ?? silentProgress;
  await sweepScratch(options.folder);
  const plan = await planRecovery(options);
  const programs = await programsFor(plan, options.programs);
  const account = await chooseServerAccount(options.account);
  const leftOut =
    options.only && (await planPartialCopy(options.repository, plan.backup, options.only));
  const dataFolder = await createScratchFolder(options.folder, account);
  let server: RunningServer | undefined;
  try {
    const restored = await restoreSnapshot({
      repository: options.repository,
      snapshot: plan.backup.snapshot,
      folder: dataFolder,
      account,
      skip: (path) => isWalSegment(path) || (leftOut?.hasPath(path) ?? false),
      progress,
      ...(options.signal ? { signal: options.signal } : {}),
    });
    await takeAutoConfiguration(dataFolder, account);
    const how = {
      programs,
      dataFolder,
      isScratch: true,
      isPartial: leftOut !== undefined,
      progress,
      ...optional('account', options.account),
      ...optional('preloadLibraries', options.preloadLibraries),
      ...optional('signal', options.signal),
    };
    const users = ['postgres', ...(options.users ?? [])];
    const replayed = options.look
      ? await replayLookingAround({ ...how, users }, options, plan, options.look)
      : await replay({ ...how, plan });
    server = replayed.server;
    const opened = await logIn(options, programs, replayed);
    server = opened.server;
    await detachCatalog(server, opened.login);
    return scratchServer(server, opened.login, {
      base: plan.backup,
      reachedLsn: replayed.reachedLsn,
      reachedTimeline: timelineAt(plan.path, replayed.reachedLsn - 1n),
      restoredBytes: restored.bytes,
      leftOut,
    });
  } catch (error) {
    await server?.[Symbol.asyncDispose]();
    await removeScratchFolder(dataFolder);
    throw error;
  }
}

/** The programs to run the data with. Errors: `postgres.wrong-major`, `postgres.no-programs`. */
export async function programsFor(
  plan: RecoveryPlan,
  given: ServerPrograms | undefined,
): Promise<ServerPrograms> {
  const major = Math.floor(plan.backup.info.serverVersion / 10_000);
  if (given === undefined) return await findServerPrograms(major);
  if (given.major === major) return given;
  throw new LifeboatError(
    'postgres.wrong-major',
    `the data is of PostgreSQL ${major}, the programs in ${given.folder} are ${given.version}`,
    { hint: `Use server programs of PostgreSQL ${major}.`, context: { major } },
  );
}

/** All WAL reaches the server through the feed, also what the snapshot brings along. */
export function isWalSegment(path: string): boolean {
  return /^pg_wal\/[0-9A-F]{24}$/.test(path);
}

/** Where the cluster's superuser has a name nobody knows, the stopped cluster is asked, and started again. */
async function logIn(
  options: OpenScratchOptions,
  programs: ServerPrograms,
  { server }: ReplayedServer,
): Promise<{ server: RunningServer; login: SuperuserLogin }> {
  const known = await findSuperuser(server, ['postgres', ...(options.users ?? [])]);
  if (known) return { server, login: known };
  await server.stop('fast');
  await server[Symbol.asyncDispose]();
  const { dataFolder } = server;
  const account = optional('account', options.account);
  const settings = isolationSettings({ programs });
  const names = await askNames({ programs, dataFolder, settings, ...account });
  const again = await runServer({
    programs,
    dataFolder,
    settings: isolationSettings({
      programs,
      ...optional('preloadLibraries', options.preloadLibraries),
    }),
    dataIsScratch: true,
    ...account,
    ...optional('signal', options.signal),
  });
  const login = await findSuperuser(again, names);
  if (login) return { server: again, login };
  await again[Symbol.asyncDispose]();
  throw new LifeboatError('postgres.refused', 'no superuser of the cluster may log in', {
    hint: 'Name a superuser of the original server.',
  });
}

async function askNames(
  cluster: Omit<Parameters<typeof askSingleUser>[0], 'database' | 'sql'>,
): Promise<readonly string[]> {
  const sql =
    'select rolname from pg_catalog.pg_authid where rolsuper and rolcanlogin order by oid limit 10';
  for (const database of maintenanceDatabases.toReversed()) {
    try {
      return await askSingleUser({ ...cluster, database, sql });
    } catch (error) {
      if (!isLifeboatError(error, 'postgres.start-failed')) throw error;
    }
  }
  return [];
}

function scratchServer(
  server: RunningServer,
  login: SuperuserLogin,
  facts: Pick<
    ScratchServer,
    'base' | 'reachedLsn' | 'reachedTimeline' | 'restoredBytes' | 'leftOut'
  >,
): ScratchServer {
  const { dataFolder } = server;
  return {
    ...facts,
    socketFolder: server.socketFolder,
    port: server.port,
    user: login.user,
    dataFolder,
    withoutNetwork: server.withoutNetwork,
    connection: (database) => server.connection(database, login.user),
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await removeScratchFolder(dataFolder);
    },
  };
}

function optional<Name extends string, Value>(
  name: Name,
  value: Value | undefined,
): Partial<Record<Name, Value>> {
  return value === undefined ? {} : ({ [name]: value } as Record<Name, Value>);
}
